"""Blocks of a paired comparison: the arms run one after the other."""

from __future__ import annotations

import contextlib
import gc
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

WARM_CALLS, WARM_S = 5, 0.5
CALIBRATION_S = 0.01
MIN_BLOCKS = 6
"""With fewer there is no interval."""


class Slowed:
    """A call made slower by a share of what each call itself takes, whatever the machine does meanwhile.

    Attributes:
        shares: by which each call really was.
    """

    def __init__(self, call: Callable[[], Any], share: float):
        self.call, self.share = call, share
        self.shares: list[float] = []

    def __call__(self) -> Any:
        begin = time.perf_counter_ns()
        outputs = self.call()
        end = time.perf_counter_ns()
        wanted = end + math.ceil((end - begin) * self.share)
        now = end
        while now < wanted:
            now = time.perf_counter_ns()
        self.shares.append((now - end) / (end - begin))
        return outputs

    @property
    def slowed_by(self) -> float:
        """The median over the calls: as in a verdict, a few in which the process had to wait do not count."""
        return statistics.median(self.shares)


@dataclass
class Arm:
    """What is measured in the blocks.

    Attributes:
        call: what is measured.
        calls: how often, each time it is measured.
        warm: whether it is called once more before, unmeasured.
    """

    call: Callable[[], Any]
    calls: int = 1
    warm: bool = False

    def calibrate(self, run_s: float) -> None:
        """Warm up, and choose `calls` so that they take about `run_s` seconds."""
        end = time.perf_counter() + WARM_S
        for _ in range(WARM_CALLS):
            begin = time.perf_counter()
            self.call()
            if time.perf_counter() - begin > max(WARM_S, run_s):
                self.calls = 1
                return
            if time.perf_counter() > end:
                break
        took: list[float] = []
        while sum(took) < CALIBRATION_S or (len(took) < 3 and sum(took) < WARM_S):
            begin = time.perf_counter()
            self.call()
            took.append(time.perf_counter() - begin)
        self.calls = max(1, round(run_s / max(statistics.median(took), 1e-9)))

    def run(self) -> int:
        """Nanoseconds of all calls."""
        call = self.call
        if self.warm:
            call()
        begin = time.perf_counter_ns()
        for _ in repeat(None, self.calls):
            call()
        return time.perf_counter_ns() - begin


def alternate(
    arms: Sequence[Arm], blocks: int, limit_s: float = float("inf"), *, back: bool = True
) -> list[list[float]]:
    """Nanoseconds per call: [block][arm].

    A block goes through all arms and back, so that what drifts evenly meets all alike; each block starts with
    another one.

    Args:
        arms: calibrated.
        blocks: how many.
        limit_s: after so many seconds no other block is begun, if there are MIN_BLOCKS.
        back: whether every block also goes back; else every second one goes the other way.
    """
    count = len(arms)
    end = time.perf_counter() + limit_s
    found: list[list[float]] = []
    with _no_collection():
        for block in range(blocks):
            if block >= MIN_BLOCKS and time.perf_counter() > end:
                break
            order = [(block + index) % count for index in range(count)]
            turns = [*order, *reversed(order)] if back else order[:: -1 if block % 2 else 1]
            total = [0] * count
            for index in turns:
                total[index] += arms[index].run()
            each = len(turns) // count
            found.append([round(ns / (each * c.calls), 1) for ns, c in zip(total, arms, strict=True)])
    return found


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
