"""A stage timed by pytest-benchmark, with a limit on how long that takes; and a call made slower on purpose."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# pytest-benchmark fixes the number of rounds by the first calls. Where calls then become slower (another process on the
# same cores), it is stopped at OVERRUN times the requested time, but not before MIN_CALLS calls, warm-up included.
OVERRUN = 4
MIN_CALLS = 10


class OutOfTimeError(Exception):
    """A timing took much longer than its first calls predicted."""


@contextmanager
def limited(stage: Callable[[], Any], limit_s: float) -> Iterator[Callable[[], Any]]:
    """The stage as a call that raises OutOfTimeError once the time is over.

    A timer thread sets a flag: reading the clock in every call would double the harness's overhead.
    """
    calls, late = 0, False

    def call() -> Any:
        nonlocal calls
        calls += 1
        if late and calls > MIN_CALLS:
            raise OutOfTimeError
        return stage()

    def stop() -> None:
        nonlocal late
        late = True

    timer = threading.Timer(limit_s, stop)
    timer.daemon = True
    timer.start()
    try:
        yield call
    finally:
        timer.cancel()


def slowed(stage: Callable[[], Any], share: float) -> Callable[[], Any]:
    """The stage with each call followed by idling for a share of the call's time."""

    def call() -> Any:
        begin = time.perf_counter_ns()
        outputs = stage()
        end = time.perf_counter_ns()
        until = end + math.ceil((end - begin) * share)
        while time.perf_counter_ns() < until:
            pass
        return outputs

    return call


def time_stage(stage: Callable[[], Any], benchmark: Any, limit_s: float) -> bool:
    """Time a stage by pytest-benchmark. Returns whether it was cut short; the rounds made until then count."""
    try:
        with limited(stage, limit_s) as call:
            benchmark(call)
    except OutOfTimeError:
        benchmark.has_error = False
        return True
    return False
