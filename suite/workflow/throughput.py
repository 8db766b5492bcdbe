"""The throughput phase: time the stages of proven cells, and hold the figures against the same sessions' roofs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..analysis.operations import roofs
from ..analysis.throughput import Row, throughput_rows
from ..definition.data import digits
from ..definition.notation import Notation
from ..definition.registry import packages
from ..execution.bench.session import run_sessions
from ..execution.bench.timings import THROUGHPUT, BenchSample, Roof, Timing, key_of, plan_timings
from ..execution.bench.workloads import Workload, make_workload
from ..execution.peers.plan import plan_peers
from ..execution.records import Cell, append_record
from ..report.throughput import write_throughput
from .folder import RunFolder


def workloads_of(sample: BenchSample) -> list[Workload]:
    """Every workload of a sample at every batch size."""
    images = digits(binarised=True)
    return [make_workload(name, batch, images) for name in sample.workloads for batch in sample.batches]


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
        known = {key_of(record) for record in self.folder.all_records() if record.get("kind") == THROUGHPUT}
        for record in self.missing:
            if key_of(record) not in known:
                append_record(self.folder.records, record)
        run_sessions(
            self.timings,
            self.folder.path,
            passes=self.sample.passes,
            max_time_s=self.sample.max_time_s,
            threads=self.threads,
            roofs=self.roofs,
            timeout_s=self.timeout_s,
            on_record=lambda record: on_record(record) if record["kind"] == THROUGHPUT else None,
        )
        return tabulate_run(self.folder)


def plan_throughput(
    folder: RunFolder,
    sample: BenchSample,
    notations: Iterable[Notation],
    proven: Collection[Cell],
    *,
    device: str,
    threads: int,
    timeout_s: float,
    backends: Collection[str] = (),
) -> Throughput:
    """The timings of a sample's proven cells, and the rates that they are held against."""
    workloads = workloads_of(sample)
    files = [(workload, str(folder.problems / f"{workload.problem.name}.json")) for workload in workloads]
    timings = plan_timings(sample, files, notations, packages(), proven, device=device)
    missing: list[dict[str, Any]] = []
    if sample.peers:
        peers, missing = plan_peers(files, device=device, backends=backends)
        timings += peers
    wanted = {
        roof
        for workload in workloads
        for stage in sample.stages
        for dtype in sample.dtypes
        for roof in roofs(workload.problem.spec, stage, workload.batch, dtype)
    }
    return Throughput(folder, sample, timings, missing, sorted(wanted), threads, timeout_s)


def tabulate_run(folder: RunFolder) -> list[Row]:
    """The throughput rows of a run's records; the tables are written."""
    problems = {problem.name: problem for problem in folder.all_problems()}
    rows = throughput_rows(folder.all_records(), problems, folder.tensors_of)
    write_throughput(rows, folder.settings(), folder.path)
    return rows
