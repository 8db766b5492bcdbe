"""Paired comparison of two timings of the same sessions: the ratio in each process, its interval, and a verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CONFIDENCE = 0.95
MARGIN = 0.02
"""The largest relative difference that is not claimed."""


def interval(values: Array) -> tuple[float, float, float]:
    """(median, lower, upper) by order statistics: no distribution is assumed.

    Of n independent samples, the k-th lowest and k-th highest enclose the median with probability
    1 − 2·P(Binomial(n, ½) < k); k is the largest for which that is CONFIDENCE. Below six samples there is none: (−∞, ∞)
    becomes (0, ∞), since times and their ratios are positive.

    Args:
        values: [process], or any other independent samples.
    """
    ordered, count = np.sort(values), len(values)
    below = accumulate(math.comb(count, lower) for lower in range(count))  # 2ⁿ · P(Binomial(n, ½) < k) for k = 1, 2, …
    k = sum(2 * ways <= (1 - CONFIDENCE) * 2**count for ways in below)
    if k < 1:
        return float(np.median(ordered)), 0.0, float("inf")
    return float(np.median(ordered)), float(ordered[k - 1]), float(ordered[count - k])


def time_ratio(row: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[float, float, float]:
    """(median, lower, upper) of the time of `row` ÷ the time of `other`, process by process.

    An effect of a whole process is in both of its timings and cancels in their ratio.

    Args:
        row, other: rows of throughput with a figure, timed in the same sessions.
    """
    pairs = list(zip(row["by_process"], other["by_process"], strict=False))  # one may have more passes
    return interval(np.array([theirs / ours for ours, theirs in pairs]))


def verdict_of(lower: float, upper: float) -> str:
    """`slower` or `faster` where all of the interval is beyond 1 by more than MARGIN, else `same`."""
    if lower > 1 + MARGIN:
        return "slower"
    return "faster" if upper < 1 / (1 + MARGIN) else "same"
