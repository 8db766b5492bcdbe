"""Experiment 4: is the loss a sum of a function of the data side and a function of the posterior's side?

It is if f(a, b) − f(a′, b) − f(a, b′) + f(a′, b′) = 0 for all values a of one side and b of the other.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..lab import Lab
from .state import DATA_SIDE


@dataclass(frozen=True)
class Additivity:
    """Whether the loss is a sum of two functions.

    Attributes:
        holds: whether rounding explains all mixed differences.
        residual: the largest mixed difference, relative to the loss.
        allowed: the difference that rounding explains, relative to the loss.
        calls: the number of calls.
    """

    holds: bool
    residual: float
    allowed: float
    calls: int


def additivity(lab: Lab, pairs: int = 3) -> Additivity:
    """Mixed differences at several pairs of random values."""
    worst = limit = 0.0
    before = lab.calls[0]
    holds = True
    for pair in range(pairs):
        a, b = lab.draw(10 + pair), lab.draw(20 + pair)
        ab = {role: a[role] if role in DATA_SIDE else b[role] for role in a}
        ba = {role: b[role] if role in DATA_SIDE else a[role] for role in a}
        values = lab.values([a, b, ab, ba])
        mixed, size = abs(values[0] + values[1] - values[2] - values[3]), float(abs(values).max())
        allowed = lab.allowed(size)
        holds = holds and bool(mixed <= allowed)
        worst, limit = max(worst, mixed / max(size, 1e-300)), max(limit, allowed / max(size, 1e-300))
    return Additivity(holds, float(worst), limit, lab.calls[0] - before)
