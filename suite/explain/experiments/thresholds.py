"""Experiment 8: does the KL have a threshold, such as free bits? Of which kind, in which unit, and at how many nats?

If all posteriors are far from the prior, the loss is affine in the KL, which gives the coefficient. Then one unit (an
element, an example, a latent's mean over the batch, or the batch) is moved near the prior, and its contribution read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..dictionary.divergences import divergences
from ..dictionary.formula import Formula
from ..lab import Lab, Values
from ..terms import Bend, Term
from .element import Observed, fit, neutral
from .state import LATENT_SIDE

UNITS = ("element", "example", "latent", "batch")
_FAR = (1e4, 1e7)
"""The KLs of one unit, in nats, at which a ceiling is sought."""


@dataclass(frozen=True)
class Bent:
    """A KL with a threshold.

    Attributes:
        term: the KL with its threshold.
        scale: its coefficient above the threshold.
        residual: the largest deviation on both sides of the threshold, relative to the range of the values.
        allowed: the deviation that rounding explains.
        below: the slope below the threshold, relative to the slope above.
    """

    term: Term
    scale: float
    residual: float
    allowed: float
    below: float


def far(lab: Lab, count: int = 14) -> Observed:
    """Draws with all posterior means at ±20 to ±40, far from the prior."""
    draws: list[Values] = []
    base = lab.draw(99)
    for seed in range(count):
        random = np.random.default_rng(700 + seed)
        fresh = lab.draw(700 + seed)
        values = {role: fresh[role] if role in LATENT_SIDE else base[role] for role in base}
        shape = values["mu"].shape
        values["mu"] = random.uniform(20, 40, shape) * random.choice([-1, 1], shape)
        draws.append(values)
    return Observed(draws, lab.values(draws))


def near(lab: Lab, kind: str, count: int = 8) -> Observed:
    """Draws with all posteriors close to the prior, for a scale of this kind."""
    draws = []
    for seed in range(count):
        random = np.random.default_rng(800 + seed)
        values = neutral(lab, kind, lab.draw(99))
        values["mu"] = values["mu"] + random.uniform(-0.02, 0.02, values["mu"].shape)
        draws.append(values)
    return Observed(draws, lab.values(draws))


def bent(lab: Lab, roles: tuple[str, ...]) -> Bent | None:
    """A KL that is affine far from the prior and has a threshold near it; None if there is none."""
    if "mu" not in roles or "scale" not in roles:
        return None
    above = far(lab)
    for formula in divergences(*sorted(set(roles) & set(LATENT_SIDE))):
        if formula.name != "analytic" or "epsilon" in (formula.detail or ""):
            continue
        scale, residual, allowed = fit(lab, Term(formula), above)
        if residual <= allowed and scale:
            return _bend(lab, formula, scale, above)
    return None


def ceiling(lab: Lab, formula: Formula, scale: float) -> Bent | None:
    """A KL that is constant above a ceiling; None if it has none, or if a clamp of one argument makes it constant.

    Args:
        lab: the loss.
        formula: the KL near the prior.
        scale: its coefficient there.
    """
    assert formula.kind is not None
    base, plain = near(lab, formula.kind, 1).draws[0], Term(formula)
    offset = lab.value(base) - scale * plain.value(base, lab.binding.layout)
    for unit in UNITS:
        seen = _Unit(lab, plain, formula.kind, base, unit, scale, offset)
        place = _top(seen) if seen.count else None
        if place is not None:
            term = Term(formula, Bend("ceiling", unit, place))
            found = _checked(lab, term, seen)
            if found is not None:
                return Bent(term, scale, *found, 1.0)
    return None


def again(lab: Lab, known: Bent) -> Bent | None:
    """The KL with its threshold at other sizes or arguments: coefficient and threshold are measured anew.

    Returns:
        None if the KL does not fit far from the prior.
    """
    formula, bend = known.term.formula, known.term.bend
    assert bend is not None
    assert formula.kind is not None
    if bend.kind == "ceiling":
        scale, residual, allowed = fit(lab, Term(formula), near(lab, formula.kind))
        return ceiling(lab, formula, scale) if residual <= allowed and scale else None
    above, layout, plain = far(lab, 4), lab.binding.layout, Term(formula)
    scale, residual, allowed = fit(lab, plain, above)
    if residual > allowed or not scale:
        return None
    rests = above.values - scale * np.array([plain.value(values, layout) for values in above.draws])
    seen = _Unit(lab, plain, formula.kind, above.draws[0], bend.per, scale, float(np.median(rests)))
    place = (
        _jump(seen) if bend.kind == "mask" else _exact(seen.contribution(0.0) / (2 if bend.kind == "capacity" else 1))
    )
    return Bent(Term(formula, Bend(bend.kind, bend.per, place)), scale, residual, allowed, known.below)


def straight(lab: Lab, term: Term, scale: float) -> bool:
    """Whether a matched KL has the same coefficient and offset near the prior and far from it, so without threshold."""
    assert term.formula.kind is not None
    layout = lab.binding.layout
    low, high = near(lab, term.formula.kind), far(lab, 4)
    rests = [
        value - scale * term.value(values, layout)
        for seen in (low, high)
        for values, value in zip(seen.draws, seen.values, strict=True)
    ]
    reach = abs(scale) * max(term.size(values, layout) for values in high.draws) + high.size
    return float(np.ptp(rests)) <= 4 * lab.allowed(reach)


def _bend(lab: Lab, formula: Formula, scale: float, above: Observed) -> Bent | None:
    """The KL with the threshold of the first unit whose contribution is not its own KL; None if all are."""
    layout, plain = lab.binding.layout, Term(formula)
    rests = above.values - scale * np.array([plain.value(values, layout) for values in above.draws])
    offset, kind = float(np.median(rests)), formula.kind
    assert kind is not None
    base = above.draws[0]
    quiet = 4 * lab.allowed(above.size + abs(scale) * plain.size(base, layout))
    for unit in UNITS:
        seen = _Unit(lab, plain, kind, base, unit, scale, offset)
        if seen.count and any(abs(seen.contribution(k) - k) * abs(scale) > quiet for k in (1e-3, 0.02)):
            return _read(lab, formula, seen, scale, quiet / abs(scale))
    return None


class _Unit:
    """The contribution of one unit to the loss, in nats, as a function of its own KL."""

    def __init__(self, lab: Lab, term: Term, kind: str, base: Values, unit: str, scale: float, offset: float):
        self.lab, self.term, self.kind, self.base = lab, term, kind, base
        self.unit, self.scale, self.offset = unit, scale, offset
        axes = lab.binding.layout.axes("mu")
        self.axes = axes
        batch = axes.index("N") if "N" in axes else None
        index: list[slice | int] = [0] * len(axes) if unit == "element" else [slice(None)] * len(axes)
        if unit == "example" and batch is not None:
            index[batch] = 0
        if unit == "latent":
            index = [slice(None) if axis == "N" else 0 for axis in axes]
        self.index = tuple(index)
        self.count = 0 if unit in ("example", "latent") and batch is None else 1
        self.batch = base["mu"].shape[batch] if batch is not None and unit in ("latent", "batch") else 1

    def values(self, nats: float) -> Values:
        """The base values with the KL of this unit (for latent and batch the mean over examples) set to `nats`."""
        fixed = neutral(self.lab, self.kind, self.base)
        values = {role: value.copy() for role, value in self.base.items()}
        for role in ("mu", "scale"):
            values[role][self.index] = fixed[role][self.index]
        size = np.zeros(values["mu"].shape)[self.index].size
        elements = size / self.batch
        values["mu"][self.index] = self._mean(nats / elements)
        return values

    def _mean(self, nats: float) -> float:
        """The μ of a latent with scale 1 and a KL of `nats`: ½μ² of a normal, |μ| + exp(−|μ|) − 1 of a Laplace."""
        if self.kind != "laplace-scale":
            return math.sqrt(2 * nats)
        low, high = 0.0, nats + 2
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if middle + math.exp(-middle) - 1 < nats else (low, middle)
        return low

    def contribution(self, nats: float) -> float:
        """The loss minus all other units' contributions, over the coefficient, and over N for a mean over examples."""
        values = self.values(nats)
        layout = self.lab.binding.layout
        whole = self.term.value(values, layout)
        others = whole - nats * self.batch
        return (self.lab.value(values) - self.offset - self.scale * others) / (self.scale * self.batch)


def _read(lab: Lab, formula: Formula, seen: _Unit, scale: float, error: float) -> Bent | None:
    """The kind and the place of a threshold, from the contribution of one unit at KLs near 0.

    Args:
        lab, formula, scale: the loss, the formula of its KL, and the KL's coefficient.
        seen: the unit.
        error: the rounding error of a contribution, in nats.
    """
    at_zero, small = seen.contribution(0.0), seen.contribution(1e-3)
    slope = (small - at_zero) / 1e-3
    if abs(at_zero) <= error and abs(slope) < 1e-6:
        place, kind = _jump(seen), "mask"
    elif abs(slope) < 1e-6:
        place, kind = _exact(at_zero), "floor"
    elif abs(slope + 1) < 1e-6:
        place, kind = _exact(at_zero / 2), "capacity"
    else:
        return None
    term = Term(formula, Bend(kind, seen.unit, place))
    found = _checked(lab, term, seen)  # a floor and a hinge differ by a constant: `facts` tells them apart
    if found is None:
        return None
    residual, allowed = found
    return Bent(term, scale, residual, allowed, float(round(slope)))


def _jump(seen: _Unit) -> float:
    """The KL of one unit from which on it counts in the loss, by bisection."""
    low, high = 1e-3, 1e-3
    while abs(seen.contribution(high) - high) > 0.5 * high and high < 1e5:
        low, high = high, high * 2
    for _ in range(44):
        middle = (low + high) / 2
        if abs(seen.contribution(middle) - middle) > 0.5 * middle:
            low = middle
        else:
            high = middle
    return _short(high)


def _top(seen: _Unit) -> float | None:
    """The KL of one unit, in nats, from which on its contribution is constant; None if it grows without end."""
    for reach in _FAR:
        high, higher = seen.contribution(reach), seen.contribution(3 * reach)
        if 0 < high < reach / 2 and abs(higher - high) < 1e-9 * reach:
            return _exact(seen.contribution(4 * high))
    return None


def _exact(value: float) -> float:
    """A threshold without rounding errors below 1e-11, which come from a difference of large sums."""
    short = round(value, 9) + 0.0
    return short if abs(value - short) < 1e-11 else value


def _short(value: float) -> float:
    """A bisected number with nine digits."""
    return float(f"{value:.9g}")


def _checked(lab: Lab, term: Term, seen: _Unit) -> tuple[float, float] | None:
    """Residual and allowed residual of a KL, on fresh values on both sides of its threshold; None if too large."""
    assert term.bend is not None
    draws = []
    for seed in range(10):
        values = lab.draw(900 + seed)
        stretch = np.random.default_rng(seed).choice([0.05, 1.0, 8.0], values["mu"].shape)
        values["mu"] = values["mu"] * stretch
        base = {role: values[role] if role in LATENT_SIDE else seen.base[role] for role in values}
        draws.append(base)
    draws += [seen.values(term.bend.at * factor) for factor in (0.3, 0.9, 1.1, 3.0)]
    observed = Observed(draws, lab.values(draws))
    _, residual, allowed = fit(lab, term, observed)
    return (residual, allowed) if residual <= 64 * allowed else None
