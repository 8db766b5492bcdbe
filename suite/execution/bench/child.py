"""The inside of a session: build a cell, call it once, time it, and keep its outputs from before and after."""

from __future__ import annotations

import time
import traceback
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ...definition import oracle
from ...definition.maps import published_weights
from ...definition.notation import Notation
from ...definition.notation_file import load_notation
from ...definition.problem import Problem, load_problem, save_tensors
from ..backends import base_dtype, precision
from ..bindings import Binding, open_binding
from ..child import settle
from ..records import SCHEMA, append_record, make_record
from ..stages import Stage, make_stage
from ..subject import Subject, prepare
from . import memory
from .ceilings import measure_ceilings
from .roofs import measure_roof
from .timings import ABOUT, PEAK, ROOF, SESSION, THROUGHPUT, Roof, Timing, timing_of

# pytest-benchmark fixes the number of rounds by the first calls. Where calls then become slower (another process on the
# same cores), it is stopped at so many times the time asked for, but never below MIN_CALLS, warm-up included.
OVERRUN = 4
MIN_CALLS = 12


class ChildSession:
    """One backend on one device in one process, with the timings of a job.

    Args:
        job: what the parent wrote: backend, device, pass, timings, roofs, and where records and tensors go.
        started: `time.time()` of the parent when it started this process.
    """

    def __init__(self, job: dict[str, Any]):
        self.job = job
        self.timings = [timing_of(document) for document in job["timings"]]
        self.last: tuple[tuple[str, str, str], Subject] | None = None
        self.records, self.folder = Path(job["records"]), Path(job["tensors"])
        settle(job["cpus"])
        self.binding: Binding = open_binding(job["backend"], job["device"])
        imported = time.time() - job["started"]
        compiler = None
        if any(timing.cell.mode.startswith("compiled") for timing in self.timings):
            begin = time.perf_counter()
            self.binding.start_compiler()
            compiler = time.perf_counter() - begin
        self._append(
            kind=SESSION,
            status="ok",
            reason=None,
            versions=self.binding.versions(),
            import_s=imported,
            compiler_start_s=compiler,
        )

    def measure_roofs(self) -> None:
        """The rates that this backend's library reaches, and the shared ones, one record per route."""
        for operation, shape, dtype in self.job["roofs"]:
            about = {"kind": ROOF, "operation": operation, "shape": shape, "dtype": dtype}
            roof = Roof(operation, tuple(shape), dtype)
            for found in measure_roof(self.binding, roof, shared=self.job["shared_roofs"]):
                self._append(**about, **found)

    def measure_ceilings(self, when: str) -> None:
        """The limits of a GPU, `before` and `after` what is timed; those of the processor are the parent's to ask."""
        if self.binding.device == "cpu":
            return
        for figure in measure_ceilings(self.binding, sorted({precision(t.cell.dtype) for t in self.timings})):
            self._append(kind=PEAK, status="ok", reason=None, when=when, **figure)

    def measure(self, timing: Timing, benchmark: Any) -> None:
        """Time one stage of one cell and write its record, also where it raises.

        Args:
            timing: what to time.
            benchmark: pytest-benchmark's fixture.
        """
        about: dict[str, Any] = {"kind": THROUGHPUT, **{name: getattr(timing, name) for name in ABOUT}}
        about["pass"] = self.job["pass"]
        try:
            found = self._measured(timing, benchmark)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            trace = traceback.format_exc()[-4000:]
            append_record(self.records, make_record(timing.cell, "failed", reason, **about, traceback=trace))
            raise
        append_record(self.records, make_record(timing.cell, "ok", **about, **found))

    def _measured(self, timing: Timing, benchmark: Any) -> dict[str, Any]:
        problem = _problem(timing.problem_file)
        resident_before, reset = memory.resident_mb(), memory.reset_peak()
        self.binding.reset_peak_memory()
        subject = self._subject(timing, problem)
        stage = make_stage(subject, problem, timing.stage, rung=timing.rung)
        begin = time.perf_counter()
        outputs = stage()
        first_call_s = time.perf_counter() - begin
        before = stage.tensors(outputs)
        device, dtype = stage.where(outputs)
        del outputs
        cut_short = _time(stage, benchmark, OVERRUN * self.job["max_time_s"])
        graphs = stage.graphs()
        stage.restore()
        after = stage.tensors(stage())
        statistics_ = benchmark.stats.stats
        return {
            "adapted": subject.notation.adapted(problem.spec),
            "rounds_ns": [round(seconds * 1e9) for seconds in statistics_.data],
            "iterations": benchmark.stats.iterations,
            "cut_short": cut_short,
            "first_call_s": first_call_s,
            "graphs": None if graphs is None else vars(graphs),
            **self._memory(resident_before, reset),
            **self._keep(timing, before, after),
            "active": {
                "backend": self.binding.active_backend(),
                "device": device,
                "dtype": dtype,
                "threads": self.binding.threads(),
                "versions": self.binding.versions(),
            },
        }

    def _memory(self, resident_before: float | None, reset: bool) -> dict[str, Any]:
        """Memory that was in use at most while the cell was built, called and timed, in MiB.

        On the CPU it is the whole process's, its framework included, and `resident_before_mb` what it held before;
        `peak_memory_reset` is false where the kernel keeps the high-water mark of earlier cells. On a GPU it is the
        device memory that the framework took.
        """
        device = self.binding.peak_memory_bytes()
        return {
            "peak_memory_mb": memory.peak_mb() if device is None else device / 2**20,
            "resident_before_mb": resident_before,
            "peak_memory_reset": reset,
        }

    def _subject(self, timing: Timing, problem: Problem) -> Subject:
        """The timing's model with the problem's weights; the one before it is used again where it is the same.

        Only the one before: to construct a model is also to set the process to its dtype.
        """
        cell = timing.cell
        like = (timing.package, timing.problem_file, cell.dtype)
        if self.last is None or self.last[0] != like:
            notation = _notation(timing.notation_file, cell.notation)
            module = import_module(f"{timing.package}.{cell.framework}_vae")
            self.last = like, prepare(self.binding, cell, notation, module, problem)
        subject = replace(self.last[1], mode=cell.mode)
        rounded = oracle.rounded(problem, precision(cell.dtype))
        weights = published_weights(subject.maps, rounded.weights, base_dtype(cell.dtype))
        self.binding.put_weights(subject.model, weights)
        return subject

    def _keep(self, timing: Timing, before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
        """Write the outputs; one file where they are the same bit by bit."""
        names: dict[str, str] = {}
        for when, tensors in (("before", before), ("after", after)):
            if when == "after" and _same(before, after):
                names[when] = names["before"]
                continue
            names[when] = f"{timing.key}-pass-{self.job['pass']}-{when}.safetensors"
            save_tensors({name: _narrow(tensor) for name, tensor in tensors.items()}, self.folder / names[when])
        return names

    def _append(self, **fields: Any) -> None:
        about = {
            "schema": SCHEMA,
            "backend": self.job["backend"],
            "device": self.job["device"],
            "pass": self.job["pass"],
        }
        append_record(self.records, about | fields)


class OutOfTimeError(Exception):
    """A timing took much longer than its first calls foretold."""


def _time(stage: Stage, benchmark: Any, limit_s: float) -> bool:
    """Time a stage. Returns whether it was cut short; the rounds made until then count."""
    end = time.perf_counter() + limit_s
    calls = 0

    def limited() -> Any:
        nonlocal calls
        calls += 1
        if calls > MIN_CALLS and time.perf_counter() > end:
            raise OutOfTimeError
        return stage()

    try:
        benchmark(limited)
    except OutOfTimeError:
        benchmark.has_error = False
        return True
    return False


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def _narrow(tensor: Any) -> Any:
    """float64 as float32 where that loses nothing: what a float32 cell returned fits."""
    narrow = tensor.astype(np.float32)
    return narrow if np.array_equal(narrow.astype(np.float64), tensor) else tensor


@cache
def _problem(path: str) -> Problem:
    return load_problem(Path(path))


@cache
def _notation(path: str, name: str) -> Notation:
    return load_notation(Path(path), name)
