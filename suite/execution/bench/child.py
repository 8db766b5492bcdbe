"""The inside of a session: build a cell, call it once, time it, and keep its outputs from before and after."""

from __future__ import annotations

import math
import resource
import statistics
import time
import traceback
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ...definition.notation import Notation
from ...definition.notation_file import load_notation
from ...definition.problem import Problem, load_problem, save_tensors
from ..backends import base_dtype
from ..bindings import Binding, open_binding
from ..compute import prepare
from ..records import SCHEMA, append_record, make_record
from ..stages import Stage, make_stage
from .timings import ROOF, SESSION, THROUGHPUT, Roof, Timing, timing_of

ROOF_ROUNDS = 9
ROOF_ROUND_S = 1e-4


class ChildSession:
    """One backend on one device in one process, with the timings of a job.

    Args:
        job: what the parent wrote: backend, device, pass, timings, roofs, and where records and tensors go.
        started: `time.time()` of the parent when it started this process.
    """

    def __init__(self, job: dict[str, Any]):
        self.job = job
        self.timings = [timing_of(document) for document in job["timings"]]
        self.records, self.folder = Path(job["records"]), Path(job["tensors"])
        self.binding: Binding = open_binding(job["backend"], job["device"])
        imported = time.time() - job["started"]
        compiler = None
        if any(timing.cell.mode.startswith("compiled") for timing in self.timings):
            begin = time.perf_counter()
            self.binding.start_compiler()
            compiler = time.perf_counter() - begin
        self._append(
            kind=SESSION, status="ok", reason=None, versions=self.binding.versions(), import_s=imported, compiler_start_s=compiler
        )

    def measure_roofs(self) -> None:
        """The rates of NumPy and of this backend's library, one record each."""
        for operation, shape, dtype in self.job["roofs"]:
            roof = Roof(operation, tuple(shape), dtype)
            for library, call in _roof_calls(self.binding, roof).items():
                rounds = _rounds_ns(call)
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
        about = {"kind": THROUGHPUT, "workload": timing.workload, "stage": timing.stage, "batch": timing.batch}
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
        notation = _notation(timing.notation_file, timing.cell.notation)
        module = import_module(f"{timing.package}.{timing.cell.framework}_vae")
        stage = make_stage(prepare(self.binding, timing.cell, notation, module, problem), problem, timing.stage)
        begin = time.perf_counter()
        outputs = stage()
        first_call_s = time.perf_counter() - begin
        before = stage.tensors(outputs)
        device, dtype = stage.where(outputs)
        del outputs
        benchmark(stage)
        graphs = stage.graphs()
        stage.restore()
        after = stage.tensors(stage())
        statistics_ = benchmark.stats.stats
        return {
            "adapted": notation.adapted(problem.spec),
            "rounds_ns": [round(seconds * 1e9) for seconds in statistics_.data],
            "iterations": benchmark.stats.iterations,
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

    def _keep(self, timing: Timing, before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
        """Write the outputs; one file where they are the same bit by bit."""
        names = {}
        for when, tensors in (("before", before), ("after", after)):
            if when == "after" and _same(before, after):
                names[when] = names["before"]
                continue
            names[when] = f"{timing.key}-pass-{self.job['pass']}-{when}.safetensors"
            save_tensors({name: _narrow(tensor) for name, tensor in tensors.items()}, self.folder / names[when])
        return names

    def _append(self, **fields: Any) -> None:
        about = {"schema": SCHEMA, "backend": self.job["backend"], "device": self.job["device"], "pass": self.job["pass"]}
        append_record(self.records, about | fields)


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def _narrow(tensor: Any) -> Any:
    """float64 as float32 where that loses nothing: what a float32 cell returned fits."""
    narrow = tensor.astype(np.float32)
    return narrow if np.array_equal(narrow.astype(np.float64), tensor) else tensor


def _roof_calls(binding: Binding, roof: Roof) -> dict[str, Callable[[], Any]]:
    """Library → a call that does the roof's work and waits."""
    generator = np.random.default_rng(0)
    dtype = np.dtype(base_dtype(roof.dtype))
    if roof.operation == "product":
        m, k, n = roof.shape
        arrays = [generator.standard_normal(shape).astype(dtype) for shape in ((m, k), (k, n))]
        out = np.empty((m, n), dtype)
        library = binding.product(*(binding.tensor(array, roof.dtype) for array in arrays))
        calls: dict[str, Callable[[], Any]] = {"numpy": lambda: np.matmul(*arrays, out=out)}
    else:
        vector = generator.standard_normal(max(1, roof.shape[0] // dtype.itemsize)).astype(dtype)
        library = binding.read(binding.tensor(vector, roof.dtype))
        calls = {"numpy": lambda: np.dot(vector, vector)}
    return calls | {binding.backend: lambda: binding.synchronize(library())}


def _rounds_ns(call: Callable[[], Any]) -> list[int]:
    """Nanoseconds per call, one figure per round, warm."""
    for _ in range(3):
        call()
    begin = time.perf_counter()
    call()
    loops = max(1, math.ceil(ROOF_ROUND_S / max(time.perf_counter() - begin, 1e-7)))
    rounds = []
    for _ in range(ROOF_ROUNDS):
        start = time.perf_counter_ns()
        for _ in range(loops):
            call()
        rounds.append(round((time.perf_counter_ns() - start) / loops))
    return rounds


@cache
def _problem(path: str) -> Problem:
    return load_problem(Path(path))


@cache
def _notation(path: str, name: str) -> Notation:
    return load_notation(Path(path), name)
