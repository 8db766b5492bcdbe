"""The rooflines of a session: rates that libraries reach on the shapes of the timings."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ...backends.table import base_dtype
from ..records import RateRecord
from ..timings import Roofline
from .device import TimingDevice

# Rounds are short, and the rounds of a library's routes alternate. Long calls vary less and would take the session's
# time, so they have few rounds; a slow route has only the calls that showed it to be slow.
ROUND_S = 1e-3
ROUNDS = ((0.02, 9), (0.1, 5), (math.inf, 2))
LONG_S = 0.02
SLOW = 1.5
TRIES = 5
# A rest between libraries: a library's idle threads go on spinning for a while, on the CPUs that the next library
# needs. Rounds that alternated between torch and NumPy made [1024, 784]·[784, 400] 2.3 to 4.3 times slower on two CPUs.
REST_S = 0.04

Call = Callable[[], Any]


def measure_roofline(device: TimingDevice, roofline: Roofline, *, with_numpy: bool) -> Iterator[RateRecord]:
    """Seconds per call of every route by which a roofline's work can be done, one record each.

    A route is a function of a library. A route that fails has a record with the reason.

    Args:
        device: the device whose library is measured.
        roofline: the work.
        with_numpy: whether to measure NumPy too, on the CPU: once per pass is enough.
    """
    binding, generator = device.binding, np.random.default_rng(0)
    numpy_dtype = np.dtype(base_dtype(roofline.dtype))
    # NumPy has neither bfloat16 nor TF32.
    numpys = with_numpy and roofline.dtype in ("float32", "float64")
    if roofline.operation == "read":
        size = 2 if roofline.dtype == "bfloat16" else numpy_dtype.itemsize
        vector = generator.standard_normal(max(1, roofline.shape[0] // size), np.float32).astype(numpy_dtype)
        yield from _measured(
            device, roofline, binding.backend, device.read(vector, roofline.dtype), binding.synchronize
        )
        if numpys:
            yield from _measured(device, roofline, "numpy", {"dot": lambda: np.dot(vector, vector)})
        return
    m, k, n = roofline.shape
    a, b = (generator.standard_normal(shape, np.float32).astype(numpy_dtype) for shape in ((m, k), (k, n)))
    routes = device.product(a, b, roofline.dtype)
    yield from _measured(device, roofline, binding.backend, routes, binding.synchronize)
    if numpys:
        out = np.empty((m, n), numpy_dtype)
        yield from _measured(device, roofline, "numpy", {"matmul": lambda: np.matmul(a, b, out=out)})


def _measured(
    device: TimingDevice,
    roofline: Roofline,
    library: str,
    routes: Mapping[str, Call],
    wait: Callable[[Any], None] = lambda result: None,
) -> Iterator[RateRecord]:
    def record(route: str, seconds: float | None, rounds: Sequence[int] = (), reason: str | None = None) -> RateRecord:
        return RateRecord(
            backend=device.binding.backend,
            device=device.binding.device,
            status="ok" if reason is None else "failed",
            reason=reason,
            operation=roofline.operation,
            shape=roofline.shape,
            dtype=roofline.dtype,
            library=library,
            route=route,
            seconds=seconds,
            rounds_ns=rounds,
        )

    time.sleep(REST_S)
    working: dict[str, Call] = {}
    for route, call in routes.items():
        try:
            wait(call())
        except Exception as error:  # e.g. the library's version lacks the operator: the record has the reason
            yield record(route, None, reason=f"{type(error).__name__}: {error}".splitlines()[0])
        else:
            working[route] = call
    for route, rounds in alternated(working, wait).items():
        yield record(route, statistics.median(rounds) / 1e9, rounds)


def alternated(routes: Mapping[str, Call], wait: Callable[[Any], None]) -> dict[str, list[int]]:
    """Route → nanoseconds per call, one figure per round, warm. A round waits once, at its end: a roofline is a rate.

    Args:
        routes: the routes of one library, whose rounds alternate.
        wait: waits for the outputs of a call.
    """
    once: dict[str, float] = {}
    first: dict[str, list[int]] = {}
    for name, call in routes.items():
        taken: list[float] = []
        # The best of several calls, since a slow route has no other rounds, and another process may stall one call.
        while len(taken) < TRIES and (not taken or min(taken) < LONG_S * TRIES):
            begin = time.perf_counter()
            wait(call())
            taken.append(time.perf_counter() - begin)
        once[name] = max(min(taken), 1e-7)
        first[name] = [round(seconds * 1e9) for seconds in taken]
    kept = {name: call for name, call in routes.items() if once[name] <= max(LONG_S, SLOW * min(once.values()))}
    count = next(rounds for limit, rounds in ROUNDS if max(map(once.__getitem__, kept), default=0) <= limit)
    found: dict[str, list[int]] = {name: [] if name in kept else first[name] for name in once}
    for _ in range(count):
        for name, call in kept.items():
            loops = max(1, math.ceil(ROUND_S / once[name]))
            if once[name] < LONG_S:
                wait(call())  # the previous route has filled the processor's caches
            start = time.perf_counter_ns()
            for _ in range(loops):
                result = call()
            wait(result)
            found[name].append(round((time.perf_counter_ns() - start) / loops))
    return found
