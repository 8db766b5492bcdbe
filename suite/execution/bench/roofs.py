"""The roofs of a session: rates that libraries reach on the very shapes of the stages that are timed."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..backends import base_dtype
from ..bindings import Binding
from ..bindings.onnx_runtime import constant_product
from .timings import Roof

# A round is short, and one route's rounds alternate with those of the others. What takes long varies less and must not
# take the session's time: few rounds then, and none of a route that is slow already.
ROUND_S = 1e-3
ROUNDS = ((0.02, 9), (0.1, 5), (math.inf, 2))
LONG_S = 0.02
SLOW = 1.5

Call = Callable[[], Any]
Routes = Mapping[tuple[str, str], Call]


def measure_roof(binding: Binding, roof: Roof, *, shared: bool) -> Iterator[dict[str, Any]]:
    """Seconds per call of every route by which the roof's work can be done; the fields of one record each.

    A route is of a library; the libraries that no backend stands for are NumPy and, where it is installed, ONNX
    Runtime. A route that fails has a record with the reason.

    Args:
        binding: whose library is measured.
        roof: the work.
        shared: whether to measure NumPy and ONNX Runtime too: once per pass is enough.
    """
    generator = np.random.default_rng(0)
    numpy_dtype = np.dtype(base_dtype(roof.dtype))
    # Below float32 NumPy computes nothing.
    numpys = shared and roof.dtype in ("float32", "float64")
    if roof.operation == "read":
        size = 2 if roof.dtype == "bfloat16" else numpy_dtype.itemsize
        vector = generator.standard_normal(max(1, roof.shape[0] // size), np.float32).astype(numpy_dtype)
        routes = _of(binding.backend, binding.read(vector, roof.dtype))
        if numpys:
            routes |= _of("numpy", {"dot": lambda: np.dot(vector, vector)})
        yield from _measured(routes, binding.synchronize)
        return
    m, k, n = roof.shape
    a, b = (generator.standard_normal(shape, np.float32).astype(numpy_dtype) for shape in ((m, k), (k, n)))
    routes = _of(binding.backend, binding.product(a, b, roof.dtype))
    if numpys:
        out = np.empty((m, n), numpy_dtype)
        routes |= _of("numpy", {"matmul": lambda: np.matmul(a, b, out=out)})
    yield from _measured(routes, binding.synchronize)
    if shared and roof.dtype == "float32" and find_spec("onnx") and find_spec("onnxruntime"):
        # Alone: between calls its threads go on spinning for milliseconds, on the CPUs that the others need.
        runtime = {"MatMul": constant_product(a, b, binding.threads())}
        yield from _measured(_of("onnxruntime", runtime), lambda _: None)


def _of(library: str, routes: Mapping[str, Call]) -> dict[tuple[str, str], Call]:
    return {(library, name): call for name, call in routes.items()}


def _measured(routes: Routes, wait: Callable[[Any], None]) -> Iterator[dict[str, Any]]:
    working: dict[tuple[str, str], Call] = {}
    for (library, route), call in routes.items():
        try:
            wait(call())
        except Exception as error:  # an operator that this version of the library does not have: said, not hidden
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            yield {"library": library, "route": route, "status": "failed", "reason": reason, "seconds": None}
        else:
            working[library, route] = call
    for (library, route), rounds in alternated(working, wait).items():
        about = {"library": library, "route": route, "status": "ok", "reason": None}
        yield about | {"seconds": statistics.median(rounds) / 1e9, "rounds_ns": rounds}


def alternated(routes: Routes, wait: Callable[[Any], None]) -> dict[tuple[str, str], list[int]]:
    """Route → nanoseconds per call, one figure per round, warm. A round waits once, at its end: a roof is a rate.

    Args:
        routes: (library, route) → a call.
        wait: for what a call returned.
    """
    once: dict[tuple[str, str], float] = {}
    for name, call in routes.items():
        begin = time.perf_counter()
        wait(call())
        once[name] = max(time.perf_counter() - begin, 1e-7)
    kept = {name: routes[name] for name in routes if not _hopeless(name, once)}
    count = next(rounds for limit, rounds in ROUNDS if max(map(once.__getitem__, kept), default=0) <= limit)
    found: dict[tuple[str, str], list[int]] = {name: [] for name in kept}
    for _ in range(count):
        for name, call in kept.items():
            loops = max(1, math.ceil(ROUND_S / once[name]))
            if once[name] < LONG_S:
                wait(call())  # the threads of the library before this one come to rest
            start = time.perf_counter_ns()
            for _ in range(loops):
                result = call()
            wait(result)
            found[name].append(round((time.perf_counter_ns() - start) / loops))
    return found


def _hopeless(name: tuple[str, str], once: Mapping[tuple[str, str], float]) -> bool:
    """Whether a route takes long, and another one of its library is faster."""
    rivals = [seconds for (library, _), seconds in once.items() if library == name[0]]
    return once[name] > LONG_S and once[name] > SLOW * min(rivals)
