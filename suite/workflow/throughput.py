"""The throughput phase: time the stages of proven cells, and hold the figures against the same sessions' roofs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ..analysis.duels import Prove, fastest_rungs, ladder_rows
from ..analysis.operations import roofs
from ..analysis.stage_truth import write_truths
from ..analysis.targets import target_rows
from ..analysis.throughput import Expectations, Row, proof, throughput_rows, truth_of, unstable
from ..analysis.trust import is_aa
from ..definition.data import MNIST_PIXELS, digits, digits_enlarged
from ..definition.notation import Notation
from ..definition.problem import Array, load_problem, save_problem
from ..definition.registry import packages
from ..execution.backends import BACKENDS, precision
from ..execution.bench.proof import Expected, images_file, load_expected, truth_file
from ..execution.bench.sample import BenchSample, Proven, plan_timings
from ..execution.bench.session import run_sessions
from ..execution.bench.timings import ABOUT, THROUGHPUT, Roof, Timing, key_of
from ..execution.bench.workloads import DIGITS, EPOCH_IMAGES, MNIST_SIZE, ROWS, WORKLOADS, Workload, make_workload
from ..execution.peers.plan import plan_peers
from ..execution.peers.table import PEER
from ..execution.records import Status, append_record, make_record
from ..execution.supervisor import cpu_threads
from ..report.ladders import write_ladders
from ..report.targets import write_targets
from ..report.throughput import write_throughput
from .folder import RunFolder


def workloads_of(sample: BenchSample) -> list[Workload]:
    """Every workload of a sample at every batch size."""
    sizes = dict.fromkeys((part.workload, batch) for part in sample.slices for batch in part.batches)
    return [make_workload(name, batch, images_of(name)) for name, batch in sizes]


def images_of(workload: str) -> Array | None:
    """[image, data], in [0, 1]: binarised digits, grey ones at the size of MNIST's, or None for synthetic ones.

    Binarised in the workload that peers are timed in: to NumPyro's Bernoulli a grey pixel has log-probability −∞.
    """
    if workload == DIGITS:
        return digits(binarised=True)
    if WORKLOADS[workload].data_dim != MNIST_PIXELS:
        return None
    grey = digits_enlarged(ROWS) / 255.0
    return np.rint(grey) if workload == MNIST_SIZE else grey


def write_expected(timings: Sequence[Timing], workloads: Iterable[tuple[Workload, str]]) -> None:
    """Leave beside each problem what the sessions hold their outputs against, and the images of passes."""
    stages: dict[tuple[str, str, str], set[str]] = {}
    for timing in timings:
        bound = "elbo" if timing.cell.mode == PEER else timing.bound  # the truth of a peer's loss is the judge's
        stages.setdefault((timing.problem_file, precision(timing.cell.dtype), bound), set()).add(timing.stage)
    problems = {file: workload.problem for workload, file in workloads}
    write_truths({(Path(file), dtype, bound): wanted for (file, dtype, bound), wanted in stages.items()}, cpu_threads())
    for (file, *_), wanted in stages.items():
        images = images_file(Path(file), problems[file])
        if "epoch" in wanted and not images.exists():
            np.save(images, digits_enlarged(EPOCH_IMAGES[problems[file].spec.network]))


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


@cache
def prover(folder: RunFolder) -> Prove:
    """What proves a duel's entry: its outputs against the truth beside its problem. Each is proven once."""
    expected = expected_of(folder)
    known: dict[tuple[Any, ...], tuple[str, str | None]] = {}

    def prove(records: Sequence[Mapping[str, Any]]) -> tuple[str, str | None]:
        first = records[0]
        key = tuple((record.get("before"), record.get("after"), record["status"]) for record in records)
        if key not in known or first["status"] != "ok":
            known[key] = proof(records, truth_of(first, expected), folder.tensors_of)[:2]
        return known[key]

    return prove


@cache
def expected_of(folder: RunFolder) -> Expectations:
    """What stages return; each truth is read once, and again where more stages were added."""

    @cache
    def read(file: Path, dtype: str, batch: int, bound: str, written_ns: int) -> Expected:
        return load_expected(file, load_problem(file), dtype, batch, bound)

    def expected(name: str, dtype: str, batch: int, bound: str) -> Expected:
        file = folder.problems / f"{name}.json"
        return read(file, dtype, batch, bound, truth_file(file, dtype, bound).stat().st_mtime_ns)

    return expected


def kept_workloads(folder: RunFolder, sample: BenchSample) -> list[tuple[Workload, str]]:
    """The workloads of a sample, each with the path of its problem file."""
    return [(workload, _kept(folder, workload)) for workload in workloads_of(sample)]


def _kept(folder: RunFolder, workload: Workload) -> str:
    """The path of a workload's problem file, which is written if it is not there."""
    file = folder.problems / f"{workload.problem.name}.json"
    return str(file if file.exists() else save_problem(workload.problem, folder.problems))


def tabulate_run(folder: RunFolder) -> list[Row]:
    """The throughput rows of a run's records; the tables are written."""
    records, settings = folder.all_records(), msgspec.to_builtins(folder.settings())
    rows = throughput_rows(records, expected_of(folder), folder.tensors_of)
    if rows or not any(is_aa(record) for record in records):  # a run may do nothing but test its timings
        write_throughput(rows, settings, folder.path)
    if rungs := ladder_rows(records, prover(folder)):
        write_ladders(rungs, folder.path)
        write_targets(target_rows(rows, rungs), settings, folder.path)
    return rows
