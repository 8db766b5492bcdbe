"""The trust phase: put paired timings to the test, and say what they and the harness are worth."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from ..analysis.throughput import Row as ThroughputRow
from ..analysis.trust import Row, trust_rows
from ..definition.notation import Notation
from ..definition.registry import packages
from ..execution.bench.sample import Proven
from ..execution.bench.trust import TrustSample, plan_trust
from ..report.trust import write_trust
from .duels import DuelPhase
from .folder import RunFolder
from .throughput import kept_workloads, prover, write_expected


def plan_trust_phase(
    folder: RunFolder,
    sample: TrustSample,
    notations: Iterable[Notation],
    proven: Proven,
    *,
    device: str,
    threads: int,
    timeout_s: float,
    backends: Collection[str] = (),
) -> DuelPhase:
    """The duels of a sample's proven cells, and their truths."""
    workloads = kept_workloads(folder, sample.timed)
    duels = plan_trust(sample, workloads, notations, packages(), proven, device=device, backends=backends)
    write_expected([duel.entries[0] for duel in duels], workloads)
    return DuelPhase(folder, duels, threads, timeout_s)


def tabulate_trust(folder: RunFolder, speeds: Sequence[ThroughputRow]) -> list[Row]:
    """What a run's timings are worth; the tables are written where its records say anything of it.

    Args:
        folder: the run.
        speeds: its throughput rows.
    """
    rows = trust_rows(folder.all_records(), prover(folder), speeds)
    if rows:
        write_trust(rows, folder.path)
    return rows
