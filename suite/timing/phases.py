"""The timing phases of a run: possible and impossible timings, and the tables of the results."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

import msgspec

from ..backends.table import BACKENDS, precision
from ..notations.notation import Notation
from ..notations.registry import packages
from ..workers.machine import computes_bfloat16
from ..workers.records import append_record, identity
from ..workers.run_folder import RunFolder
from .aa import AaSample, plan_aa
from .judge.aa import Row as AaRow
from .judge.aa import aa_rows
from .judge.rooflines import rooflines
from .judge.throughput import Row, throughput_rows, unstable
from .libraries.plan import plan_libraries
from .plan import BenchSample, Proven, plan_timings
from .records import Measured, ThroughputRecord, timing_records, unmeasured
from .sessions import run_sessions
from .tables import write_aa, write_throughput
from .timed_problems import expected_of, kept_workloads, write_expected
from .timings import Roofline, Timing

THROUGHPUT, AA = "throughput", "A/A"
"""The names of the phases."""
NO_BFLOAT16 = "this processor has no bfloat16 products (avx512_bf16, amx_bf16): they would be emulated"


class Where(TypedDict):
    """The device and the backends of timings, as keyword arguments of plans."""

    device: str
    backends: Collection[str]


@dataclass(frozen=True)
class Phase:
    """One phase of a run: its timings, the records of impossible timings, and its rooflines.

    The run's plan lists it by its name.
    """

    name: str
    phases: Phases
    sample: BenchSample
    timings: Sequence[Timing]
    missing: Sequence[ThroughputRecord] = ()
    rooflines: Sequence[Roofline] = ()

    @property
    def total(self) -> int:
        """The number of timings in all passes."""
        return len(self.timings) * self.sample.passes

    def run(self, on_record: Callable[[Measured], None]) -> None:
        """Run the timings that have no record yet."""
        folder = self.phases.folder
        noted = [identity(record) for record in self.missing]
        folder.plan({self.name: noted})
        finished = folder.finished()
        for record in self.missing:
            if identity(record) not in finished:
                append_record(folder.records, record)
        run_sessions(
            self.timings,
            folder.path,
            passes=self.sample.passes,
            max_time_s=self.sample.max_time_s,
            threads=self.phases.threads,
            rooflines=self.rooflines,
            timeout_s=self.phases.timeout_s,
            on_record=lambda record: on_record(record) if isinstance(record, ThroughputRecord) else None,
            planned=lambda timings: folder.plan({self.name: [*noted, *timings]}),
            again=self._unstable,
            repeats=self.sample.repeats,
        )

    def _unstable(self) -> set[str]:
        """The timings that must be repeated."""
        records = timing_records(self.phases.folder.records)
        return unstable(records, self.sample.passes) if self.sample.repeats else set()


@dataclass(frozen=True)
class Phases:
    """The timings of a run folder, after its cells are judged.

    Attributes:
        folder: the run.
        notations: the notations that are timed.
        proven: the results of the equality phase.
        device: the device of the timings.
        threads: threads of one operation.
        timeout_s: the longest time of one timing, in seconds.
        backends: the backends that are timed; empty for all.
    """

    folder: RunFolder
    notations: Sequence[Notation]
    proven: Proven
    device: str
    threads: int
    timeout_s: float
    backends: Collection[str] = ()

    def throughput(self, sample: BenchSample) -> Phase:
        """The timings of a preset's proven cells, with their references and rooflines."""
        workloads = kept_workloads(self.folder, sample)
        timings, missing = possible(plan_timings(sample, workloads, *self._proven, **self._where))
        if sample.libraries:
            beside = [(workload, file) for workload, file in workloads if workload.batch in sample.libraries]
            libraries, absent = plan_libraries(beside, **self._where)
            timings, missing = timings + libraries, missing + absent
        write_expected(timings)
        specs = {workload.name: workload.problem.spec for workload, _ in workloads}
        needed = {
            roofline
            for timing in timings
            for roofline in rooflines(specs[timing.workload], timing.stage, timing.batch, precision(timing.cell.dtype))
        }
        return Phase(THROUGHPUT, self, sample, timings, missing, sorted(needed))

    def aa(self, sample: AaSample) -> Phase:
        """The A/A tests of a preset's proven cells, with their slowed arms."""
        workloads = kept_workloads(self.folder, sample.timed)
        timings = plan_aa(sample, workloads, *self._proven, **self._where)
        write_expected(timings)
        return Phase(AA, self, sample.timed, timings)

    @property
    def _proven(self) -> tuple[Sequence[Notation], Mapping[str, str], Proven]:
        return self.notations, packages(), self.proven

    @property
    def _where(self) -> Where:
        return {"device": self.device, "backends": self.backends}


def possible(timings: Iterable[Timing]) -> tuple[list[Timing], list[ThroughputRecord]]:
    """The timings that can be made here, and a record of every other timing, with the reason."""
    found: list[Timing] = []
    missing: list[ThroughputRecord] = []
    multiplies = computes_bfloat16()
    for timing in timings:
        cell = timing.cell
        backend = BACKENDS[cell.backend]
        if backend.lacking(cell.mode):
            missing.append(unmeasured(timing, "missing", backend.remedy(cell.mode)))
        elif (cell.device, cell.dtype) == ("cpu", "bfloat16") and not multiplies:
            missing.append(unmeasured(timing, "unsupported", NO_BFLOAT16))
        else:
            found.append(timing)
    return found, missing


def tabulate(folder: RunFolder) -> tuple[list[Row], list[AaRow]]:
    """Write the tables of a run's records, and return the rows of throughput and of A/A."""
    records = timing_records(folder.records)
    judged = (records, expected_of(folder), folder.tensors_of)
    rows, tests = throughput_rows(*judged), aa_rows(throughput_rows(*judged, arms=True))
    if rows or not tests:  # a run may have A/A tests alone
        write_throughput(rows, msgspec.to_builtins(folder.settings()), folder.path)
    if tests:
        write_aa(tests, folder.path)
    return rows, tests
