"""The inside of a session: build a cell, call it once, time it, and keep its outputs from before and after."""

from __future__ import annotations

import math
import resource
import statistics
import time
import traceback
from collections.abc import Callable
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
from .timings import ABOUT, ROOF, SESSION, THROUGHPUT, Roof, Timing, timing_of

# pytest-benchmark fixes the number of rounds by the first calls. Where calls then become slower (another process on the
# same cores), it is stopped at so many times the time asked for, but never below MIN_CALLS, warm-up included.
OVERRUN = 4
MIN_CALLS = 12

ROOF_ROUNDS = 9
ROOF_ROUND_S = 1e-3


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
        """The rates of NumPy and of this backend's library, one record each."""
        for operation, shape, dtype in self.job["roofs"]:
            roof = Roof(operation, tuple(shape), dtype)
            for library, call in _roof_calls(self.binding, roof).items():
                rounds = _rounds_ns(call, self.binding.synchronize)
                self._append(
                    kind=ROOF,
                    status="ok",
                    reason=None,
                    library=library,
                    operation=operation,
                    shape=shape,
                    dtype=dtype,
                    seconds=statistics.median(rounds) / 1e9,
                    rounds_ns=rounds,
                )

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
        subject = self._subject(timing, problem)
        stage = make_stage(subject, problem, timing.stage, rung=timing.rung, awaited=timing.awaited)
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
            "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            **self._keep(timing, before, after),
            "active": {
                "backend": self.binding.active_backend(),
                "device": device,
                "dtype": dtype,
                "threads": self.binding.threads(),
                "versions": self.binding.versions(),
            },
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


def _roof_calls(binding: Binding, roof: Roof) -> dict[str, Callable[[], Any]]:
    """Library → a call that does the roof's work."""
    generator = np.random.default_rng(0)
    dtype = np.dtype(base_dtype(roof.dtype))
    if roof.operation == "product":
        m, k, n = roof.shape
        a, b = (generator.standard_normal(shape).astype(dtype) for shape in ((m, k), (k, n)))
        out = np.empty((m, n), dtype)
        library = binding.product(binding.tensor(a, roof.dtype), binding.tensor(b, roof.dtype))
        calls: dict[str, Callable[[], Any]] = {"numpy": lambda: np.matmul(a, b, out=out)}
    else:
        vector = generator.standard_normal(max(1, roof.shape[0] // dtype.itemsize)).astype(dtype)
        library = binding.read(binding.tensor(vector, roof.dtype))
        calls = {"numpy": lambda: np.dot(vector, vector)}
    return calls | {binding.backend: library}


def _rounds_ns(call: Callable[[], Any], wait: Callable[[Any], None]) -> list[int]:
    """Nanoseconds per call, one figure per round, warm. A round waits once, at its end: a roof is a rate."""
    for _ in range(3):
        wait(call())
    begin = time.perf_counter()
    wait(call())
    loops = max(1, math.ceil(ROOF_ROUND_S / max(time.perf_counter() - begin, 1e-7)))
    rounds = []
    for _ in range(ROOF_ROUNDS):
        start = time.perf_counter_ns()
        for _ in range(loops):
            result = call()
        wait(result)
        rounds.append(round((time.perf_counter_ns() - start) / loops))
    return rounds


@cache
def _problem(path: str) -> Problem:
    return load_problem(Path(path))


@cache
def _notation(path: str, name: str) -> Notation:
    return load_notation(Path(path), name)
