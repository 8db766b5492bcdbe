"""What the harness itself adds to a call: a stage that computes nothing, and the limit on a timing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np

from ...backends import Binding
from .stages import ForwardStage

BENCHMARK, PAIRED = "benchmark", "paired"
"""The two ways in which a call is measured: by pytest-benchmark, or in the blocks of a paired comparison."""

# pytest-benchmark fixes the number of rounds by the first calls. Where calls then become slower (another process on the
# same cores), it is stopped at so many times the time asked for, but never below MIN_CALLS, warm-up included.
OVERRUN = 4
MIN_CALLS = 10

EMPTY_ROUNDS = 500
EMPTY_WARMUP = 100


class EmptyStage(ForwardStage):
    """A stage that returns its input: all that a call of it takes is the harness's own, waiting included."""

    def __init__(self, binding: Binding):
        # No model is behind it, so that nothing of ForwardStage's own start applies; its call and its wait do.
        self.subject = SimpleNamespace(binding=binding)  # type: ignore[assignment]
        self.latest, self.images = None, 1
        self.inputs = (binding.tensor(np.zeros(1), "float32"),)
        self.function = lambda tensor: tensor


class OutOfTimeError(Exception):
    """A timing took much longer than its first calls foretold."""


@contextmanager
def limited(stage: Callable[[], Any], limit_s: float) -> Iterator[Callable[[], Any]]:
    """The stage as a call that raises OutOfTimeError once the time is over.

    A timer's thread says so: to look at the clock in every call would take as long as all else that the harness does.
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


def time_stage(stage: Callable[[], Any], benchmark: Any, limit_s: float) -> bool:
    """Time a stage by pytest-benchmark. Returns whether it was cut short; the rounds made until then count."""
    try:
        with limited(stage, limit_s) as call:
            benchmark(call)
    except OutOfTimeError:
        benchmark.has_error = False
        return True
    return False


def time_nothing(binding: Binding, benchmark: Any) -> list[int]:
    """Nanoseconds per call that pytest-benchmark measures of a stage that computes nothing, one figure per round.

    One call to a round, as with every stage that takes longer than some microseconds: what the clock itself takes is
    then in each of them.
    """
    with limited(EmptyStage(binding), 60) as call:
        benchmark.pedantic(call, rounds=EMPTY_ROUNDS, warmup_rounds=EMPTY_WARMUP, iterations=1)
    return [round(seconds * 1e9) for seconds in benchmark.stats.stats.data]
