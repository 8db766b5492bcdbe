"""The throughput phase: time the stages of proven cells, and hold the figures against the same sessions' rooflines."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ..backends.table import BACKENDS, precision
from ..notations.registry import packages
from ..notations.schema import Notation
from ..workers.records import Status, append_record, make_record
from ..workers.run_folder import RunFolder
from .judge.comparisons import fastest_rungs, ladder_rows
from .judge.operations import roofs
from .judge.throughput import Row, throughput_rows, unstable
from .judge.trust import is_aa
from .libraries.plan import plan_peers
from .plan import BenchSample, Proven, plan_timings
from .sessions import run_sessions
from .step_tables import write_ladders
from .tables import write_throughput
from .timed_problems import expected_of, kept_workloads, prover, write_expected
from .timings import ABOUT, THROUGHPUT, Roof, Timing, key_of


@dataclass(frozen=True)
class Throughput:
    """One throughput phase in a run folder."""

    folder: RunFolder
    sample: BenchSample
    timings: Sequence[Timing]
    missing: Sequence[dict[str, Any]]
    roofs: Sequence[Roof]
    threads: int
    timeout_s: float

    @property
    def total(self) -> int:
        """How many timings there will be, all passes counted."""
        return len(self.timings) * self.sample.passes

    def run(self, on_record: Callable[[dict[str, Any]], None]) -> list[Row]:
        """Time what has no record yet and write the tables."""
        note(self.folder, self.missing)
        run_sessions(
            self.timings,
            self.folder.path,
            passes=self.sample.passes,
            max_time_s=self.sample.max_time_s,
            threads=self.threads,
            roofs=self.roofs,
            peaks=True,
            timeout_s=self.timeout_s,
            on_record=lambda record: on_record(record) if record["kind"] == THROUGHPUT else None,
            again=self._unstable,
            repeats=self.sample.repeats,
        )
        return tabulate_run(self.folder)

    def _unstable(self) -> set[str]:
        """What is to be timed again."""
        return unstable(self.folder.all_records(), self.sample.passes) if self.sample.repeats else set()


def plan_throughput(
    folder: RunFolder,
    sample: BenchSample,
    notations: Iterable[Notation],
    proven: Proven,
    *,
    device: str,
    threads: int,
    timeout_s: float,
    backends: Collection[str] = (),
) -> Throughput:
    """The timings of a sample's proven cells, their truths, and the rates that they are held against.

    What is tuned is timed at the fastest rung of the ladders that the run has measured.
    """
    workloads = kept_workloads(folder, sample)
    chosen = list(notations)
    rungs = fastest_rungs(folder.all_records(), prover(folder))
    timings = plan_timings(sample, workloads, chosen, packages(), proven, device=device, rungs=rungs, backends=backends)
    timings, missing = installed(timings)
    if sample.peers:
        beside = [(workload, file) for workload, file in workloads if workload.batch in sample.peers]
        peers, absent = plan_peers(beside, device=device, backends=backends)
        timings, missing = timings + peers, missing + absent
    write_expected(timings, workloads)
    specs = {workload.name: workload.problem.spec for workload, _ in workloads}
    wanted = {
        roof
        for timing in timings
        for roof in roofs(specs[timing.workload], timing.stage, timing.batch, precision(timing.cell.dtype))
    }
    return Throughput(folder, sample, timings, missing, sorted(wanted), threads, timeout_s)


def note(folder: RunFolder, records: Iterable[dict[str, Any]]) -> None:
    """Append the records of what cannot be timed, those that the run does not have yet."""
    known = {key_of(record) for record in folder.all_records() if record.get("kind") == THROUGHPUT}
    for record in records:
        if key_of(record) not in known:
            append_record(folder.records, record)


def unmeasured(timing: Timing, status: Status, reason: str) -> dict[str, Any]:
    """The record of a timing that no process is started for."""
    about = {"kind": THROUGHPUT, **{name: getattr(timing, name) for name in ABOUT}, "pass": None}
    return make_record(timing.cell, status, reason, **about)


def installed(timings: Iterable[Timing]) -> tuple[list[Timing], list[dict[str, Any]]]:
    """The timings whose mode is installed, and a record of each other one, with what installs it."""
    found: list[Timing] = []
    missing: list[dict[str, Any]] = []
    for timing in timings:
        cell = timing.cell
        backend = BACKENDS[cell.backend]
        if backend.lacking(cell.mode):
            missing.append(unmeasured(timing, "missing", backend.remedy(cell.mode)))
        else:
            found.append(timing)
    return found, missing


def tabulate_run(folder: RunFolder) -> list[Row]:
    """The throughput rows of a run's records; the tables are written."""
    records, settings = folder.all_records(), msgspec.to_builtins(folder.settings())
    rows = throughput_rows(records, expected_of(folder), folder.tensors_of)
    if rows or not any(is_aa(record) for record in records):  # a run may do nothing but test its timings
        write_throughput(rows, settings, folder.path)
    if rungs := ladder_rows(records, prover(folder)):
        write_ladders(rungs, folder.path)
    return rows
