"""Is the gradient of each argument the slope of the value? Automatic differentiation is compared with differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np

from ..dictionary.formula import Array
from ..lab import Lab, LossFailed, Values
from ..terms import Term

STEP = 1e-5
SEEDS = (1, 2)
"""Seeds of the draws; a gradient is called wrong only if it differs at all of them."""
_EXACT = 1e-3
_POSTERIOR, _PRIOR = ("mu", "scale"), ("prior_mu", "prior_scale")


@dataclass(frozen=True)
class Slope:
    """The directional derivative of the loss along one direction of one role, measured and differentiated.

    Attributes:
        role: the role whose values move.
        along: the direction, of the shape of the role's values.
        at: the values at which it was measured.
        measured: the central difference of the value.
        differentiated: the framework's gradient times the direction.
    """

    role: str
    along: Array
    at: Values
    measured: float
    differentiated: float

    @property
    def size(self) -> float:
        """The larger magnitude of the two."""
        return max(abs(self.measured), abs(self.differentiated))

    @property
    def is_none(self) -> bool:
        """Whether the gradient is 0."""
        return abs(self.differentiated) <= 1e-12


@dataclass(frozen=True)
class Slopes:
    """Gradients compared with slopes of the value.

    Attributes:
        wrong: role → slopes, of the roles whose gradient is not the slope of the value.
        right: the roles whose gradient is the slope.
        residual: the largest relative difference among the right ones.
        calls: the number of calls.
        failed: the exception that the framework raised instead of a gradient; empty for none.
        cut: role → the summands of its term without a gradient, such as detached ones, if these explain the difference.
    """

    wrong: dict[str, list[Slope]]
    right: list[str]
    residual: float
    calls: int
    failed: str = ""
    cut: dict[str, list[str]] = field(default_factory=dict)

    @property
    def shows(self) -> str:
        """The result in words."""
        if self.failed:
            return f"no gradient was taken: {self.failed}"
        return (
            f"gradient and value part at {', '.join(self.wrong)}" if self.wrong else "gradients are the values' slopes"
        )

    @property
    def balance(self) -> tuple[float, float] | None:
        """The shares of the KL's gradient that posterior and learned prior get (KL balancing); None if not shared.

        Source: Hafner et al. (2021), DreamerV2.
        """
        if not set(self.wrong) & set(_PRIOR) or not set(self.wrong) <= {*_POSTERIOR, *_PRIOR}:
            return None
        shares = []
        for roles in (_POSTERIOR, _PRIOR):
            found = [one.differentiated / one.measured for role in roles for one in self.wrong.get(role, ())]
            if not found or np.ptp(found) > _EXACT or any(role in self.right for role in roles):
                return None
            shares.append(float(np.median(found)))
        return (shares[0], shares[1]) if abs(sum(shares) - 1) < _EXACT else None


def slopes(lab: Lab, terms: Mapping[str, tuple[Term, float]]) -> Slopes | None:
    """Compare gradients and slopes along random directions of each role; None if the framework has no gradients.

    Args:
        lab: the loss.
        terms: role → its identified term and the term's coefficient.
    """
    before = lab.calls[0]
    found: dict[str, list[Slope]] = {}
    for seed in SEEDS:
        base = lab.draw(seed)
        try:
            gradients = lab.loss.gradients(lab.binding.arguments(base, lab.parameters), lab.total)
        except Exception as error:  # frameworks raise different exceptions for what has no derivative
            return Slopes({}, [], 0.0, lab.calls[0] - before, f"{type(error).__name__}")
        if gradients is None:
            return None
        for slope in _along(lab, base, gradients, seed):
            found.setdefault(slope.role, []).append(slope)
    wrong = {role: several for role, several in found.items() if all(_parts(lab, one) for one in several)}
    kept = [one for role, several in found.items() if role not in wrong for one in several]
    worst = max((abs(one.measured - one.differentiated) / one.size for one in kept if one.size > 1e-6), default=0.0)
    cut = {role: _cut(lab, several, *terms[role]) for role, several in wrong.items() if role in terms}
    right = [role for role in found if role not in wrong]
    return Slopes(wrong, right, worst, lab.calls[0] - before, cut={role: parts for role, parts in cut.items() if parts})


def _along(lab: Lab, base: Values, gradients: Mapping[str, Any], seed: int) -> Iterator[Slope]:
    """The slope of each role along a random direction, without mask and data."""
    for role in lab.binding.roles:
        if role in ("mask", "x"):
            continue
        slots = [slot.name for slot in lab.binding.slots if slot.role in (role, "moments")]
        slots = [name for name in slots if name in gradients]
        along = np.random.default_rng(4 + seed).normal(size=base[role].shape)
        along = lab.binding.layout.triangle(role, along)
        try:
            measured = _difference(lab, base, role, along, STEP)
        except LossFailed:
            continue
        above, below = (
            lab.binding.arguments({**base, role: base[role] + sign * STEP * along}, lab.parameters) for sign in (1, -1)
        )
        differentiated = sum(
            float((np.asarray(slope) * (one - two)).sum()) / (2 * STEP)
            for name in slots
            for slope, one, two in zip(gradients[name], _listed(above[name]), _listed(below[name]), strict=True)
        )
        if slots:
            yield Slope(role, along, base, measured, differentiated)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _difference(lab: Lab, base: Values, role: str, along: Array, step: float) -> float:
    above, below = (lab.value({**base, role: base[role] + sign * step * along}) for sign in (1, -1))
    return (above - below) / (2 * step)


def _parts(lab: Lab, one: Slope) -> bool:
    """Whether gradient and slope differ by much more than the slopes of a short and of a long step differ."""
    off = abs(one.measured - one.differentiated)
    noise = lab.allowed(1 + abs(lab.value(one.at))) / STEP
    if off <= _EXACT * one.size + noise + 1e-9:
        return False
    try:
        again = _difference(lab, one.at, one.role, one.along, 10 * STEP)
    except LossFailed:
        return False
    return abs(again - one.measured) < 0.1 * off


def _cut(lab: Lab, several: list[Slope], term: Term, coefficient: float) -> list[str]:
    """The fewest summands of a term whose slopes sum to slope minus gradient, in the user's names; empty if none do."""
    formula, layout = term.formula, lab.binding.layout
    if term.bend is not None:
        return []

    def slope(one: Slope, factor: float, place: int) -> float:
        part = replace(term, formula=replace(formula, atoms=((factor, formula.atoms[place][1]),), constant=0.0))
        above, below = (
            part.value({**one.at, one.role: one.at[one.role] + sign * STEP * one.along}, layout) for sign in (1, -1)
        )
        return coefficient * (above - below) / (2 * STEP)

    parts = [[slope(one, factor, place) for one in several] for place, (factor, _) in enumerate(formula.atoms)]
    names = {role: lab.binding.name_of(role) for role in formula.roles}
    for count in range(1, len(parts)):
        for chosen in combinations(range(len(parts)), count):
            if all(
                abs(one.measured - one.differentiated - sum(parts[place][draw] for place in chosen)) < _EXACT * one.size
                for draw, one in enumerate(several)
            ):
                return [
                    f"{formula.atoms[place][0]:g}*{formula.atoms[place][1].text.format(**names)}" for place in chosen
                ]
    return []
