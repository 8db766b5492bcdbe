"""Experiment 8, continued: which arguments are clamped? Beyond a clamp the value is constant, and it has a kink there.

One element is moved to the end of its domain. A value that becomes constant smoothly is no clamp, but an ε inside a
logarithm or a saturated sigmoid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..answer import Threshold
from ..lab import Lab, Values
from .limits import moved, paths, value_of
from .state import DATA_SIDE

ROLES = ("recon", "recon_scale", "mu", "scale")
_BISECTIONS, _INSIDE = 60, 0.01
_HUGE = 1e300
"""What an infinite value may have been replaced by; it is no clamp."""
_TO_ZERO = 80.0
"""Towards 0 inputs go to 4**-80, beyond where torch clamps the logarithm in its cross entropy."""


def clamps(lab: Lab, roles: Iterable[str]) -> list[Threshold]:
    """The clamps of the arguments of `ROLES`, at the values where the loss becomes constant.

    Args:
        lab: the loss.
        roles: the roles that the loss depends on.
    """
    found, values = [], lab.draw(7)
    for role in ROLES:
        if role in values and role in roles:
            for side, path, farthest in paths(lab, values, role):
                towards_zero = side == "below" and path(1) > 0
                at = _clamp(lab, values, role, path, _TO_ZERO if towards_zero else float(farthest))
                if at is not None:
                    term = "recon" if role in DATA_SIDE else "kl"
                    shown = f"{at:.6g}" if f"{at:.6g}" not in ("1", "-1") else f"{at:.9g}"  # 1 - 1e-7 is below 1
                    found.append(Threshold(term, lab.binding.name_of(role), "clamp", shown, "element"))
    return found


def _clamp(lab: Lab, values: Values, role: str, path: Callable[[float], float], farthest: float) -> float | None:
    """The value on a path from which on the loss is constant; None if it changes to the end, or has no kink."""
    rest = value_of(lab, moved(values, role, path(farthest)))
    if not abs(rest) < _HUGE:
        return None

    def off(at: float) -> float:
        return abs(value_of(lab, moved(values, role, at)) - rest)

    quiet = lab.allowed(rest, value_of(lab, values))
    start = 0.5 if abs(path(2)) < 1 else -6.0  # paths to 0 or 1 start at the half, others near 0
    if not off(path(farthest - 1)) <= quiet or off(path(start)) <= quiet:
        return None
    low, high = start, farthest
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if off(path(middle)) <= quiet else (middle, high)
    kink = off(path(high - _INSIDE)) > 1e3 * quiet
    return path(high) if kink else None
