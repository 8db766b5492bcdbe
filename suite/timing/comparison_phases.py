"""Paired comparisons of a run: which optimisation step of each stage is the fastest, and what the timings are worth."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..notations.registry import packages
from ..notations.schema import Notation
from ..workers.processor import computes_bfloat16
from ..workers.run_folder import RunFolder
from .comparisons import Duel, run_duels
from .judge.throughput import Row as ThroughputRow
from .judge.trust import Row, trust_rows
from .measure.steps import Ladder, plan_ladders
from .phase import note, unmeasured
from .plan import BenchSample, Proven
from .timed_problems import kept_workloads, prover, write_expected
from .timings import DUEL
from .trust import TrustSample, plan_trust
from .trust_tables import write_trust

NO_BFLOAT16 = "this processor has no bfloat16 products (avx512_bf16, amx_bf16): they would be emulated"


@dataclass(frozen=True)
class PairedPhase:
    """Paired comparisons of one run folder, whose truths are written."""

    folder: RunFolder
    duels: Sequence[Duel]
    threads: int
    timeout_s: float

    @property
    def total(self) -> int:
        """How many records there will be."""
        return sum(duel.builds for duel in self.duels)

    def run(self, on_record: Callable[[dict[str, Any]], None]) -> None:
        """Measure what has no record yet."""
        run_duels(
            self.duels,
            self.folder.path,
            threads=self.threads,
            timeout_s=self.timeout_s,
            on_record=lambda record: on_record(record) if record["kind"] == DUEL else None,
        )


def plan_steps(
    folder: RunFolder,
    sample: BenchSample,
    notations: Iterable[Notation],
    proven: Proven,
    *,
    device: str,
    threads: int,
    timeout_s: float,
    backends: Collection[str] = (),
) -> PairedPhase:
    """The optimisation steps of all stages that a sample has tuned; what this processor lacks is noted."""
    workloads = kept_workloads(folder, sample)
    ladders = plan_ladders(
        sample, workloads, list(notations), packages(), proven, device=device, threads=threads, backends=backends
    )
    if device == "cpu" and not computes_bfloat16():
        note(folder, [_unsupported(ladder) for ladder in ladders if ladder.dtype == "bfloat16"])
        ladders = [ladder for ladder in ladders if ladder.dtype != "bfloat16"]
    duels = [ladder.duel() for ladder in ladders]
    write_expected([timing for duel in duels for timing in duel.entries], workloads)
    return PairedPhase(folder, duels, threads, timeout_s)


def _unsupported(ladder: Ladder) -> dict[str, Any]:
    first = ladder.first[0]
    return unmeasured(
        replace(first, cell=replace(first.cell, dtype=ladder.dtype, mode="tuned")), "unsupported", NO_BFLOAT16
    )


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
) -> PairedPhase:
    """A sample's proven cells against themselves, and against themselves made slower."""
    workloads = kept_workloads(folder, sample.timed)
    duels = plan_trust(sample, workloads, notations, packages(), proven, device=device, backends=backends)
    write_expected([duel.entries[0] for duel in duels], workloads)
    return PairedPhase(folder, duels, threads, timeout_s)


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
