"""The throughput phase: time the stages of proven cells, and hold the figures against the same sessions' roofs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ..analysis.operations import roofs
from ..analysis.stage_truth import write_truth
from ..analysis.throughput import Row, throughput_rows
from ..definition.data import MNIST_PIXELS, digits, digits_enlarged
from ..definition.notation import Notation
from ..definition.problem import Array, load_problem, save_problem
from ..definition.registry import packages
from ..execution.backends import precision
from ..execution.bench.proof import Expected, images_file, load_expected
from ..execution.bench.sample import BenchSample, Proven, plan_timings
from ..execution.bench.session import run_sessions
from ..execution.bench.timings import THROUGHPUT, Roof, Timing, key_of
from ..execution.bench.workloads import DIGITS, EPOCH_IMAGES, ROWS, WORKLOADS, Workload, make_workload
from ..execution.peers.plan import plan_peers
from ..execution.records import append_record
from ..report.throughput import write_throughput
from .folder import RunFolder


def workloads_of(sample: BenchSample) -> list[Workload]:
    """Every workload of a sample at every batch size."""
    sizes = dict.fromkeys((part.workload, batch) for part in sample.slices for batch in part.batches)
    return [make_workload(name, batch, images_of(name)) for name, batch in sizes]


def images_of(workload: str) -> Array | None:
    """[image, data], in [0, 1]: binarised digits, grey ones at the size of MNIST's, or None for synthetic ones."""
    if workload == DIGITS:
        return digits(binarised=True)
    return digits_enlarged(ROWS) / 255.0 if WORKLOADS[workload].data_dim == MNIST_PIXELS else None


def write_expected(timings: Sequence[Timing], workloads: Iterable[tuple[Workload, str]]) -> None:
    """Leave beside each problem what the sessions hold their outputs against, and the images of passes."""
    stages: dict[tuple[str, str], set[str]] = {}
    for timing in timings:
        stages.setdefault((timing.problem_file, precision(timing.cell.dtype)), set()).add(timing.stage)
    problems = {file: workload.problem for workload, file in workloads}
    for (file, dtype), wanted in stages.items():
        problem = problems[file]
        write_truth(Path(file), problem, dtype, wanted)
        images = images_file(Path(file), problem)
        if "epoch" in wanted and not images.exists():
            np.save(images, digits_enlarged(EPOCH_IMAGES))


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
            peaks=True,
            timeout_s=self.timeout_s,
            on_record=lambda record: on_record(record) if record["kind"] == THROUGHPUT else None,
        )
        return tabulate_run(self.folder)


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
    """The timings of a sample's proven cells, their truths, and the rates that they are held against."""
    workloads = [(workload, _kept(folder, workload)) for workload in workloads_of(sample)]
    timings = plan_timings(sample, workloads, notations, packages(), proven, device=device, backends=backends)
    missing: list[dict[str, Any]] = []
    if sample.peers:
        peers, missing = plan_peers(workloads, device=device, backends=backends)
        timings += peers
    write_expected(timings, workloads)
    specs = {workload.name: workload.problem.spec for workload, _ in workloads}
    wanted = {
        roof
        for timing in timings
        for roof in roofs(specs[timing.workload], timing.stage, timing.batch, precision(timing.cell.dtype))
    }
    return Throughput(folder, sample, timings, missing, sorted(wanted), threads, timeout_s)


def _kept(folder: RunFolder, workload: Workload) -> str:
    """The path of a workload's problem file, which is written if it is not there."""
    file = folder.problems / f"{workload.problem.name}.json"
    return str(file if file.exists() else save_problem(workload.problem, folder.problems))


def tabulate_run(folder: RunFolder) -> list[Row]:
    """The throughput rows of a run's records; the tables are written."""

    @cache
    def expected(name: str, dtype: str, batch: int) -> Expected:
        file = folder.problems / f"{name}.json"
        return load_expected(file, load_problem(file), dtype, batch)

    rows = throughput_rows(folder.all_records(), expected, folder.tensors_of)
    write_throughput(rows, folder.settings(), folder.path)
    return rows
