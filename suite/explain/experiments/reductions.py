"""Experiment 7: the coefficients, and how they change with each size and each argument that is a number.

One axis is changed at a time: a coefficient that is a power of it says so by one ratio, and a further point, where all
sizes and arguments differ, must agree with the product.
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

OTHER = {"N": 11, "D": 13, "J": 4, "C": 3, "H": 5, "W": 7, "S": 9, "A": 5, "c": 3, "h": 5, "w": 7, "k": 9, "T": 5}
OTHER |= {"Z": 7}
"""The second size of each axis."""
SPREADS = (1.0, 30.0, 1e3, 3e4)


@dataclass(frozen=True)
class Coefficients:
    """loss = recon · R + kl · K + constant at one set of sizes and arguments.

    Attributes:
        recon, kl: None where the loss has no such term.
        constant: what is left.
        residual: the largest deviation on fresh values, relative to the terms' magnitudes.
        allowed: what rounding explains.
        blur: how exact the constant is, absolutely.
    """

    recon: float | None
    kl: float | None
    constant: float
    residual: float
    allowed: float
    blur: float

    @property
    def holds(self) -> bool:
        return self.residual <= self.allowed


def coefficients(lab: Lab, recon: Term | None, kl: Term | None) -> Coefficients:
    """Fit the scales side by side, the constant from the rest, and hold the sum against fresh values.

    Args:
        lab: at sizes and arguments; it holds the values of what is in no term.
        recon, kl: the terms that were identified.
    """
    layout = lab.binding.layout
    a = b = None
    if recon is not None:
        a, _, _ = fit(lab, recon, _quiet(lab, kl, recon))
    if kl is not None:
        for spread in SPREADS:
            seen = observe(lab, LATENT_SIDE, spread=spread, count=6, seed=300)
            b, residual, allowed = fit(lab, kl, seen)
            if residual <= allowed < 1e-11:  # below a floor all draws may have the same value
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
    """Draws of the data side with the posterior at its prior, where the KL adds least rounding."""
    seen = observe(lab, DATA_SIDE, count=1, seed=200)
    draws = observe(lab, DATA_SIDE, count=6, seed=200).draws
    if kl is not None and kl.formula.kind is not None:
        draws = [neutral(lab, kl.formula.kind, values) for values in draws]
    del seen
    return Observed(draws, lab.values(draws))


def powers_of_sizes(
    lab: Lab, measure: Callable[[Lab], Mapping[str, float]]
) -> tuple[dict[str, dict[str, Fraction] | None], tuple[str, ...]]:
    """Quantity → exponent of each axis, None where it is no product of powers; and the axes that have one size only."""
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
    stuck = tuple(axis for axis in lab.binding.layout.named() if axis not in everything)
    try:
        last = measure(lab.at(everything))
    except LossFailed:
        return found, stuck
    for name, powers in found.items():
        if powers is not None and base[name]:
            expected = base[name] * math.prod(
                (everything[axis] / lab.sizes[axis]) ** float(p) for axis, p in powers.items()
            )
            if abs(last[name] - expected) > 1e-7 * abs(expected):
                found[name] = None
    return found, _without_averaged(lab, base, found, stuck)


def other_size(axis: str, one: int) -> int:
    """A size of an axis that is another one."""
    return OTHER[axis] if axis in OTHER and OTHER[axis] != one else one + 4


def _without_averaged(
    lab: Lab, base: Mapping[str, float], found: dict[str, dict[str, Fraction] | None], stuck: tuple[str, ...]
) -> tuple[str, ...]:
    """The axes of one size of which no exponent is known: where a side's others are averaged over, so is this one.

    It is only if that makes the number simpler, as 2 is for 2/3 at a size of 3.
    """
    left = list(stuck)
    for name, axes in (("recon", lab.binding.layout.data), ("kl", lab.binding.layout.latent)):
        powers = found.get(name) or {}
        one = [axis for axis in axes if axis in stuck]
        others = {powers[axis] for axis in axes if axis not in stuck and axis in powers}
        number = base.get(name, 0.0) / math.prod(lab.sizes[axis] ** float(power) for axis, power in powers.items())
        simple, as_mean = rational(number), rational(number * math.prod(lab.sizes[axis] for axis in one))
        if one and others == {-1} and as_mean and (simple is None or as_mean.denominator < simple.denominator):
            powers |= dict.fromkeys(one, Fraction(-1))
            left = [axis for axis in left if axis not in one]
    return tuple(left)


def exponent(ratio: float, base: float, exact: float = 1e-7) -> Fraction | None:
    """The exponent of a power, a multiple of ½; None where it is none."""
    if ratio <= 0 or not math.isfinite(ratio):
        return None
    power = math.log(ratio) / math.log(base)
    near = Fraction(round(2 * power), 2)
    return near if abs(power - float(near)) * abs(math.log(base)) < exact and abs(near) <= 4 else None


def collapsed(powers: Mapping[str, Fraction], layout: Layout) -> dict[str, Fraction]:
    """Exponents of D and J where all their axes have the same; of the axes else."""
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
    lab: Lab, measure: Callable[[Lab], tuple[float, float]], stuck: tuple[str, ...]
) -> list[Monomial] | None:
    """The constant as a sum of at most two products of powers of the sizes; None where it is none.

    Args:
        lab: at its first sizes.
        measure: lab → constant, and how exact it is.
        stuck: axes that have one size only.
    """
    layout = lab.binding.layout
    labs = [lab]
    random = np.random.default_rng(3)
    for _ in range(7):
        sizes = {axis: int(random.integers(2, 12)) for axis in layout.named() if lab.sizes[axis] < 100}
        labs.append(lab.at({axis: size for axis, size in sizes.items() if axis not in stuck}))
    points, target, blur = [], [], []
    for one in labs:
        try:
            value, exact = measure(one)
        except LossFailed:
            continue
        points.append(named_sizes(one.sizes, layout))
        target.append(value)
        blur.append(exact)
    values, exact_to = np.array(target), 4 * np.array(blur)
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
    """Products that constants are made of, the simplest first."""
    inner: list[dict[str, int]] = [{}] + [{n: 1} for n in names if n != "N"]
    inner += (
        [{"T": 1, "J": 1}, {"T": 2}, {"J": 2}, {"D": 2}] if "T" in names else [{"J": 2}, {"D": 2}, {"D": 1, "J": 1}]
    )
    inner = [one for one in inner if set(one) <= set(names)]
    outer = [{}, {"N": 1}, {"N": 2}, {"N": -1}] if "N" in names else [{}]
    return [{**one, **batch} for batch in outer for one in inner]
