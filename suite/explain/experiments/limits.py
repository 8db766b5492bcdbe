"""Numbers: from which input on the value overflows, or loses half of its digits, in the dtypes that people train in.

One element of one argument goes out to far values, where the rest of the arguments stay as they are. The value in a
dtype is held against that in float64, of the same rounded input; the place is found by bisection.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from ..answer import Limit
from ..lab import InDtypes, Lab, LossFailed, Values

EPSILON = {"float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
"""dtype → the distance from 1 to the next number."""
_ROLES = ("recon", "recon_scale", "mu", "scale")
_FARTHEST = 8
"""Inputs go to 4**8 = 65536, and towards 0 and 1 to 4**-12."""
_BISECTIONS = 11


def limits(lab: Lab) -> list[Limit]:
    """The limits of each argument, in each dtype that the framework has; none for a loss without dtypes."""
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
    """The ways out that the argument's domain has, by a number that counts powers of 4."""
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
    """The first input of a path at which something is wrong, and what; None where nothing is."""

    def fault(t: float) -> str:
        return _fault(lab, loss, moved(values, role, path(t)), values, dtype, epsilon)

    for far in range(1, farthest + 1):
        if abs(path(far)) * epsilon >= 64:  # beyond what the dtype holds, or resolves
            return None
        if fault(far):
            low, high = float(far - 1), float(far)
            for _ in range(_BISECTIONS):
                middle = (low + high) / 2
                low, high = (low, middle) if fault(middle) else (middle, high)
            return path(high), fault(high)
    return None


def _fault(lab: Lab, loss: InDtypes, values: Values, near: Values, dtype: str, epsilon: float) -> str:
    """`infinite`, `nan` or `digits`; nothing where the value agrees with float64's, or where that is no number."""
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
    """The loss; no number where it fails."""
    try:
        with np.errstate(all="ignore"):
            return lab.value(values)
    except LossFailed:
        return math.nan


def moved(values: Values, role: str, to: float) -> Values:
    """The values with another first element of one role."""
    moved = values[role].copy()
    moved.flat[0] = to
    return {**values, role: moved}
