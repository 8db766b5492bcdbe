"""Experiment 7: which coefficients do the terms have, and how do they change with the sizes?

One axis is changed at a time: the ratio of the coefficients gives the exponent of its size. A further point, where all
sizes differ, must agree with the product of the powers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..binding import Layout, named_sizes
from ..expressions import Monomial, rational
from ..lab import Lab, LossFailed, Values
from ..terms import Term
from .element import Observed, fit, neutral, observe
from .state import DATA_SIDE, LATENT_SIDE

SECOND_SIZES = {
    "N": 11,
    "D": 13,
    "J": 4,
    "C": 3,
    "H": 5,
    "W": 7,
    "S": 9,
    "A": 5,
    "c": 3,
    "h": 5,
    "w": 7,
    "k": 9,
    "T": 5,
    "Z": 7,
}
"""The second size of each axis."""
SPREADS = (1.0, 30.0, 1e3, 3e4)
"""Factors on the posterior's means that are tried in turn; a large KL lies above its threshold."""


@dataclass(frozen=True)
class Coefficients:
    """loss = recon · R + kl · K + constant at one set of sizes and arguments.

    Attributes:
        recon, kl: the coefficients; None if the loss has no such term.
        constant: the constant.
        residual: the largest deviation on fresh values, relative to the terms' magnitudes.
        allowed: the deviation that rounding explains, relative to the terms' magnitudes.
        constant_error: the absolute rounding error of the constant.
    """

    recon: float | None
    kl: float | None
    constant: float
    residual: float
    allowed: float
    constant_error: float

    @property
    def holds(self) -> bool:
        """Whether rounding explains the residual."""
        return self.residual <= self.allowed


def coefficients(lab: Lab, recon: Term | None, kl: Term | None) -> Coefficients:
    """Fit the coefficient of each term, then the constant, and compare the sum with the loss on fresh values.

    Args:
        lab: the loss at sizes and arguments; its `fixed_roles` are the roles in no term.
        recon, kl: the identified terms.
    """
    layout = lab.binding.layout
    a = b = None
    if recon is not None:
        a, _, _ = fit(lab, recon, _quiet(lab, kl, recon))
    if kl is not None:
        for spread in SPREADS:
            seen = observe(lab, LATENT_SIDE, spread=spread, count=6, seed=300)
            b, residual, allowed = fit(lab, kl, seen)
            if residual <= allowed < 1e-11:  # below a floor, all draws may have the same value and fit nothing
                break

    def parts(values: Values) -> tuple[float, float]:
        value = size = 0.0
        for scale, term in ((a, recon), (b, kl)):
            if term is not None and scale is not None:
                value += scale * term.value(values, layout)
                size += abs(scale) * term.size(values, layout)
        return value, size

    rests, sizes = [], []
    for seed in range(400, 405):
        values = lab.draw(seed)
        total = lab.value(values)
        value, size = parts(values)
        rests.append(total - value)
        sizes.append(size + abs(total))
    constant, scale = float(np.median(rests)), max(sizes)
    deviation = float(np.abs(np.array(rests) - constant).max())
    return Coefficients(a, b, constant, deviation / max(scale, 1e-300), lab.allowed(1.0), lab.allowed(scale))


def _quiet(lab: Lab, kl: Term | None, recon: Term) -> Observed:
    """Draws of the data side with the posterior equal to the prior, where the KL adds the least rounding."""
    draws = observe(lab, DATA_SIDE, count=6, seed=200).draws
    if kl is not None and kl.formula.kind is not None:
        draws = [neutral(lab, kl.formula.kind, values) for values in draws]
    return Observed(draws, lab.values(draws))


def powers_of_sizes(
    lab: Lab, measure: Callable[[Lab], Mapping[str, float]]
) -> tuple[dict[str, dict[str, Fraction] | None], tuple[str, ...]]:
    """The exponents of the sizes in each quantity.

    Args:
        lab: the loss at its first sizes.
        measure: lab → value by quantity.

    Returns:
        Quantity → axis → exponent, None for a quantity that is no product of powers; and the axes whose size could not
        be changed, without those that are averaged over.
    """
    base = measure(lab)
    found: dict[str, dict[str, Fraction] | None] = {name: {} for name in base}
    everything: dict[str, int] = {}
    for axis in lab.binding.layout.named():
        one = lab.sizes[axis]
        two = other_size(axis, one)
        try:
            moved = measure(lab.at({axis: two}))
        except LossFailed:
            continue
        everything[axis] = two
        for name, value in base.items():
            powers = found[name]
            if powers is not None:
                power = exponent(moved[name] / value, two / one) if value and moved[name] else None
                if power is None:
                    found[name] = None
                else:
                    powers[axis] = power
    fixed_axes = tuple(axis for axis in lab.binding.layout.named() if axis not in everything)
    try:
        last = measure(lab.at(everything))
    except LossFailed:
        return found, fixed_axes
    for name, powers in found.items():
        if powers is not None and base[name]:
            expected = base[name] * math.prod(
                (everything[axis] / lab.sizes[axis]) ** float(p) for axis, p in powers.items()
            )
            if abs(last[name] - expected) > 1e-7 * abs(expected):
                found[name] = None
    return found, _without_averaged(lab, base, found, fixed_axes)


def other_size(axis: str, one: int) -> int:
    """The second size of an axis whose first is `one`."""
    return SECOND_SIZES[axis] if SECOND_SIZES.get(axis, one) != one else one + 4


def _without_averaged(
    lab: Lab, base: Mapping[str, float], found: dict[str, dict[str, Fraction] | None], fixed_axes: tuple[str, ...]
) -> tuple[str, ...]:
    """The fixed axes without a known exponent; a fixed axis gets the exponent −1 if its side's other axes have it.

    It gets that exponent only if the coefficient's number becomes simpler, as 2 is simpler than 2/3 at a size of 3.
    """
    left = list(fixed_axes)
    for name, axes in (("recon", lab.binding.layout.data), ("kl", lab.binding.layout.latent)):
        powers = found.get(name) or {}
        one = [axis for axis in axes if axis in fixed_axes]
        others = {powers[axis] for axis in axes if axis not in fixed_axes and axis in powers}
        number = base.get(name, 0.0) / math.prod(lab.sizes[axis] ** float(power) for axis, power in powers.items())
        simple, as_mean = rational(number), rational(number * math.prod(lab.sizes[axis] for axis in one))
        if one and others == {-1} and as_mean and (simple is None or as_mean.denominator < simple.denominator):
            powers |= dict.fromkeys(one, Fraction(-1))
            left = [axis for axis in left if axis not in one]
    return tuple(left)


def exponent(ratio: float, base: float, exact: float = 1e-7) -> Fraction | None:
    """The exponent p, a multiple of ½, of ratio = base**p; None if there is none up to 4."""
    if ratio <= 0 or not math.isfinite(ratio):
        return None
    power = math.log(ratio) / math.log(base)
    near = Fraction(round(2 * power), 2)
    return near if abs(power - float(near)) * abs(math.log(base)) < exact and abs(near) <= 4 else None


def collapsed(powers: Mapping[str, Fraction], layout: Layout) -> dict[str, Fraction]:
    """Exponents by name: of D and J if all their axes have the same exponent, else of each axis."""
    names: dict[str, Fraction] = {axis: powers[axis] for axis in ("N", "k", "T", "K") if powers.get(axis)}
    rest = dict.fromkeys((*layout.data, *layout.latent))
    for axes, name in ((layout.data, "D"), (layout.latent, "J")):
        own = {powers.get(axis, Fraction(0)) for axis in axes}
        if len(own) == 1 and any(own):  # an axis of both sides counts once
            names[name] = own.pop()
            rest = {axis: None for axis in rest if axis not in axes}
    names |= {axis: powers.get(axis, Fraction(0)) for axis in rest}
    return {name: power for name, power in names.items() if power}


def constant_of_sizes(
    lab: Lab, measure: Callable[[Lab], tuple[float, float]], fixed_axes: tuple[str, ...]
) -> list[Monomial] | None:
    """The constant as a sum of at most two monomials in the sizes; None if it is no such sum, empty if it is 0.

    Args:
        lab: the loss at its first sizes.
        measure: lab → the constant and its absolute error.
        fixed_axes: axes whose size cannot be changed.
    """
    layout = lab.binding.layout
    labs = [lab]
    random = np.random.default_rng(3)
    for _ in range(7):
        sizes = {axis: int(random.integers(2, 12)) for axis in layout.named() if lab.sizes[axis] < 100}
        labs.append(lab.at({axis: size for axis, size in sizes.items() if axis not in fixed_axes}))
    points, target, errors = [], [], []
    for one in labs:
        try:
            value, error = measure(one)
        except LossFailed:
            continue
        points.append(named_sizes(one.sizes, layout))
        target.append(value)
        errors.append(error)
    values, exact_to = np.array(target), 4 * np.array(errors)
    if np.all(np.abs(values) <= exact_to):
        return []
    names: list[str] = [n for n in ("N", "D", "J", "T", "k") if n in points[0] and len({p[n] for p in points}) > 1]
    bases = _monomials(names)
    columns = [np.array([math.prod(p[n] ** e for n, e in base.items()) for p in points]) for base in bases]
    for chosen in [(i,) for i in range(len(bases))] + [(i, j) for i in range(len(bases)) for j in range(i)]:
        matrix = np.stack([columns[i] for i in chosen], axis=1)
        scales, *_ = np.linalg.lstsq(matrix, values, rcond=None)
        if np.all(np.abs(matrix @ scales - values) <= exact_to + 1e-12 * np.abs(values)):
            return [
                Monomial(float(s), {n: Fraction(e) for n, e in bases[i].items()})
                for s, i in zip(scales, chosen, strict=True)
            ]
    return None


def _monomials(names: list[str]) -> list[dict[str, int]]:
    """Name → exponent, of the products of sizes that constants have, the simplest first."""
    inner: list[dict[str, int]] = [{}] + [{n: 1} for n in names if n != "N"]
    inner += (
        [{"T": 1, "J": 1}, {"T": 2}, {"J": 2}, {"D": 2}] if "T" in names else [{"J": 2}, {"D": 2}, {"D": 1, "J": 1}]
    )
    inner = [one for one in inner if set(one) <= set(names)]
    outer = [{}, {"N": 1}, {"N": 2}, {"N": -1}] if "N" in names else [{}]
    return [{**one, **batch} for batch in outer for one in inner]
