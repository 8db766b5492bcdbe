"""The timing phases of a run: optimisation steps and A/A tests by paired comparisons, and throughput."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

import msgspec

from ..backends.table import BACKENDS, precision
from ..notations.notation import Notation
from ..notations.registry import packages
from ..workers.machine import computes_bfloat16
from ..workers.records import append_record
from ..workers.run_folder import RunFolder
from .aa import AaSample, plan_aa
from .asked import PairedComparison
from .comparisons import run_comparisons
from .judge.aa import Row as AaRow
from .judge.aa import aa_rows, is_aa
from .judge.comparisons import fastest_steps, step_rows
from .judge.counted_operations import rooflines
from .judge.throughput import Row, throughput_rows, unstable
from .libraries.plan import plan_libraries
from .plan import BenchSample, Proven, plan_timings
from .records import ComparisonRecord, Measured, ThroughputRecord, timing_records, unmeasured
from .sessions import run_sessions
from .steps import plan_step_comparisons
from .tables import write_aa, write_steps, write_throughput
from .timed_problems import expected_of, kept_workloads, prover, write_expected
from .timings import Roofline, Timing

NO_BFLOAT16 = "this processor has no bfloat16 products (avx512_bf16, amx_bf16): they would be emulated"


@dataclass(frozen=True)
class Throughput:
    """One throughput phase in a run folder: what is timed, what cannot be, and the rates that it is held against."""

    phases: Phases
    sample: BenchSample
    timings: Sequence[Timing]
    missing: Sequence[ThroughputRecord]
    rooflines: Sequence[Roofline]

    @property
    def total(self) -> int:
        """How many timings there will be, all passes counted."""
        return len(self.timings) * self.sample.passes

    def run(self, on_record: Callable[[Measured], None]) -> list[Row]:
        """Time what has no record yet and write the tables."""
        folder = self.phases.folder
        note(folder, self.missing)
        run_sessions(
            self.timings,
            folder.path,
            passes=self.sample.passes,
            max_time_s=self.sample.max_time_s,
            threads=self.phases.threads,
            rooflines=self.rooflines,
            peaks=True,
            timeout_s=self.phases.timeout_s,
            on_record=lambda record: on_record(record) if isinstance(record, ThroughputRecord) else None,
            again=self._unstable,
            repeats=self.sample.repeats,
        )
        return tabulate_run(folder)

    def _unstable(self) -> set[str]:
        """What is to be timed again."""
        records = timing_records(self.phases.folder.records)
        return unstable(records, self.sample.passes) if self.sample.repeats else set()


@dataclass(frozen=True)
class PairedPhase:
    """Paired comparisons of one run folder, whose references are written."""

    phases: Phases
    comparisons: Sequence[PairedComparison]

    @property
    def total(self) -> int:
        """How many records there will be."""
        return sum(comparison.builds for comparison in self.comparisons)

    def run(self, on_record: Callable[[Measured], None]) -> None:
        """Measure what has no record yet."""
        run_comparisons(
            self.comparisons,
            self.phases.folder.path,
            threads=self.phases.threads,
            timeout_s=self.phases.timeout_s,
            on_record=lambda record: on_record(record) if isinstance(record, ComparisonRecord) else None,
        )


@dataclass(frozen=True)
class Phases:
    """What is timed of a run folder once its cells are judged.

    Attributes:
        folder: the run.
        notations: to time.
        proven: what the equality phase found.
        device: to time on.
        threads: of one operation.
        timeout_s: how long one timing may take.
        backends: to time; all where there are none.
    """

    folder: RunFolder
    notations: Sequence[Notation]
    proven: Proven
    device: str
    threads: int
    timeout_s: float
    backends: Collection[str] = ()

    def throughput(self, sample: BenchSample) -> Throughput:
        """The timings of a sample's proven cells, their references, and the rates that they are held against.

        What is tuned is timed at the fastest optimisation step that the run has measured.
        """
        workloads = kept_workloads(self.folder, sample)
        steps = fastest_steps(timing_records(self.folder.records), prover(self.folder))
        timings, missing = installed(plan_timings(sample, workloads, *self._proven, steps=steps, **self._where))
        if sample.libraries:
            beside = [(workload, file) for workload, file in workloads if workload.batch in sample.libraries]
            libraries, absent = plan_libraries(beside, **self._where)
            timings, missing = timings + libraries, missing + absent
        write_expected(timings)
        specs = {workload.name: workload.problem.spec for workload, _ in workloads}
        wanted = {
            roofline
            for timing in timings
            for roofline in rooflines(specs[timing.workload], timing.stage, timing.batch, precision(timing.cell.dtype))
        }
        return Throughput(self, sample, timings, missing, sorted(wanted))

    def steps(self, sample: BenchSample) -> PairedPhase:
        """The optimisation steps of all stages that a sample has tuned; what this processor lacks is noted."""
        workloads = kept_workloads(self.folder, sample)
        comparisons = plan_step_comparisons(sample, workloads, *self._proven, **self._where)
        if self.device == "cpu" and not computes_bfloat16():
            emulated = [comparison for comparison in comparisons if comparison.entries[-1].cell.dtype == "bfloat16"]
            tuned = [replace(comparison.entries[-1], last_step="") for comparison in emulated]
            note(self.folder, [unmeasured(timing, "unsupported", NO_BFLOAT16) for timing in tuned])
            comparisons = [comparison for comparison in comparisons if comparison not in emulated]
        write_expected([timing for comparison in comparisons for timing in comparison.entries])
        return PairedPhase(self, comparisons)

    def aa(self, sample: AaSample) -> PairedPhase:
        """A sample's proven cells against themselves, and against themselves made slower."""
        workloads = kept_workloads(self.folder, sample.timed)
        comparisons = plan_aa(sample, workloads, *self._proven, **self._where)
        write_expected([comparison.entries[0] for comparison in comparisons])
        return PairedPhase(self, comparisons)

    @property
    def _proven(self) -> tuple[Sequence[Notation], Mapping[str, str], Proven]:
        return self.notations, packages(), self.proven

    @property
    def _where(self) -> Where:
        return {"device": self.device, "backends": self.backends}


class Where(TypedDict):
    """What is timed on, as plans take it."""

    device: str
    backends: Collection[str]


def note(folder: RunFolder, records: Iterable[ThroughputRecord]) -> None:
    """Append the records of what cannot be timed, those that the run does not have yet."""
    measured = timing_records(folder.records)
    known = {record.timing.key for record in measured if isinstance(record, ThroughputRecord)}
    for record in records:
        if record.timing.key not in known:
            append_record(folder.records, record)


def installed(timings: Iterable[Timing]) -> tuple[list[Timing], list[ThroughputRecord]]:
    """The timings whose mode is installed, and a record of each other one, with what installs it."""
    found: list[Timing] = []
    missing: list[ThroughputRecord] = []
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
    records, settings = timing_records(folder.records), msgspec.to_builtins(folder.settings())
    rows = throughput_rows(records, expected_of(folder), folder.tensors_of)
    if rows or not any(is_aa(record) for record in records):  # a run may do nothing but test its timings
        write_throughput(rows, settings, folder.path)
    if steps := step_rows(records, prover(folder)):
        write_steps(steps, folder.path)
    return rows


def tabulate_aa(folder: RunFolder) -> list[AaRow]:
    """What a run's timings are worth; the tables are written where its records say anything of it."""
    rows = aa_rows(timing_records(folder.records), prover(folder))
    if rows:
        write_aa(rows, folder.path)
    return rows
