"""At which inputs does the loss overflow, or lose half of its digits, in float32, float16 and bfloat16?

One element of one argument is moved to large values. The value in the dtype is compared with the float64 value at the
same rounded input. The first wrong input is found by bisection.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from ..answer import Limit
from ..lab import InDtypes, Lab, LossFailed, Values

EPSILON = {"float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
"""dtype → machine epsilon, the distance from 1 to the next number."""
_ROLES = ("recon", "recon_scale", "mu", "scale")
_FARTHEST = 8
"""Inputs go to 4**8 = 65536, and towards 0 and 1 to 4**-12."""
_BISECTIONS = 11


def limits(lab: Lab) -> list[Limit]:
    """The limits of each argument in each dtype of the framework; empty if the loss runs in float64 only."""
    loss, found = lab.loss, []
    if not isinstance(loss, InDtypes):
        return []
    values = lab.draw(7)
    for dtype, epsilon in EPSILON.items():
        if not loss.has(dtype) or _fault(lab, loss, values, values, dtype, epsilon):
            continue
        for role in _ROLES:
            if role in values:
                for side, path, farthest in paths(lab, values, role):
                    limit = _limit(lab, loss, values, role, path, farthest, dtype, epsilon)
                    if limit is not None:
                        found.append(Limit(lab.binding.name_of(role), dtype, side, *limit))
    return found


def paths(lab: Lab, values: Values, role: str) -> Iterator[tuple[str, Callable[[float], float], int]]:
    """The directions in which an argument's domain extends.

    Yields:
        The side, `above` or `below`; t → the input, which goes to ±4**t, or to 0 or 1 as 4**-t; and the largest t.
    """
    signed = math.isfinite(value_of(lab, moved(values, role, -1.0)))
    beyond = math.isfinite(value_of(lab, moved(values, role, 2.0)))
    if beyond:
        yield "above", lambda t: 4.0**t, _FARTHEST
    if signed:
        yield "below", lambda t: -(4.0**t), _FARTHEST
    else:
        yield "below", lambda t: 4.0**-t, 12
    if not beyond:
        yield "above", lambda t: 1 - 4.0**-t, 12


def _limit(
    lab: Lab,
    loss: InDtypes,
    values: Values,
    role: str,
    path: Callable[[float], float],
    farthest: int,
    dtype: str,
    epsilon: float,
) -> tuple[float, str] | None:
    """The first input of a path with a wrong value, and the word for what is wrong; None if there is none."""

    def fault(t: float) -> str:
        return _fault(lab, loss, moved(values, role, path(t)), values, dtype, epsilon)

    for far in range(1, farthest + 1):
        if abs(path(far)) * epsilon >= 64:  # the dtype does not resolve such an input
            return None
        if fault(far):
            low, high = float(far - 1), float(far)
            for _ in range(_BISECTIONS):
                middle = (low + high) / 2
                low, high = (low, middle) if fault(middle) else (middle, high)
            return path(high), fault(high)
    return None


def _fault(lab: Lab, loss: InDtypes, values: Values, near: Values, dtype: str, epsilon: float) -> str:
    """`infinite`, `nan` or `digits`; empty if the value agrees with float64's, or float64's is not finite."""
    rounded = {role: loss.rounded(value, dtype) for role, value in values.items()}
    exact = value_of(lab, rounded)
    if not math.isfinite(exact):  # the input itself is rounded to 0, 1 or infinity
        exact = value_of(lab, values)
    if not math.isfinite(exact):
        return ""
    with loss.working_in(dtype):
        found = value_of(lab, rounded)
    if not math.isfinite(found):
        return "nan" if math.isnan(found) else "infinite"
    off = abs(found - exact) > math.sqrt(epsilon) * (abs(exact) + abs(value_of(lab, near)))
    return "digits" if off else ""


def value_of(lab: Lab, values: Values) -> float:
    """The loss; NaN if it fails."""
    try:
        with np.errstate(all="ignore"):
            return lab.value(values)
    except LossFailed:
        return math.nan


def moved(values: Values, role: str, to: float) -> Values:
    """The values with the first element of one role replaced."""
    changed = values[role].copy()
    changed.flat[0] = to
    return {**values, role: changed}
