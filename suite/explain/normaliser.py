"""Which variance does the decoder of a squared error have? The normaliser of its Gaussian tells, if the loss has it.

A squared error of coefficient s/v beside the constant s·N·D/2·log(2π v) is s times the −log density of a Gaussian of
variance v. The coefficient alone does not separate s and v. An absolute error of coefficient s/b beside s·N·D·log(2 b)
is s times the −log density of a Laplace of scale b.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from .binding import named_sizes
from .expressions import Monomial, near, rational

if TYPE_CHECKING:
    from .facts import Facts


@dataclass(frozen=True)
class _Density:
    """The normaliser of a density, per observed value.

    Attributes:
        each: the variance of a Gaussian or the scale of a Laplace → the constant in nats.
        lowest: where v · each(v) is lowest, so that its inverse has one branch on either side.
        factor, log: the constant as factor · log, with the variance or scale in braces.
        dropped: the parts that this normaliser leaves out, as expressions in nats per datum.
    """

    each: Callable[[float], float]
    lowest: float
    factor: float
    log: str
    dropped: tuple[str, ...] = ()


_DENSITIES = {
    "squared-error": (
        _Density(lambda v: 0.5 * math.log(2 * math.pi * v), 1 / (2 * math.pi * math.e), 0.5, "log(2*pi*{})"),
        _Density(lambda v: 0.5 * math.log(v), 1 / math.e, 0.5, "log({})", ("D/2*log(2*pi)",)),
    ),
    "laplace": (_Density(lambda b: math.log(2 * b), 1 / (2 * math.e), 1.0, "log(2*{})"),),
}
"""Data term → the normalisers that it may have, with and without the constant log(2π)."""


@dataclass(frozen=True)
class Normaliser:
    """The normaliser in a loss.

    Attributes:
        spread: the variance of a Gaussian, or the scale of a Laplace.
        weight: the coefficient of −log density in the loss, such as 1/N in a mean over the batch.
        constant: the normaliser times the weight.
        dropped: the missing parts of the normaliser, in nats per datum.
    """

    spread: Monomial
    weight: Monomial
    constant: Monomial
    dropped: tuple[str, ...] = ()


def normaliser_of(facts: Facts) -> Normaliser | None:
    """The normaliser in a loss; None if no constant of the loss is one."""
    match, recon, parts = facts.found.recon, facts.recon, facts.found.constants
    if match is None or match.edited is not None or recon is None or not recon.number or not parts:
        return None
    if "recon_scale" in match.term.formula.roles:
        return None
    densities = _DENSITIES.get(match.term.formula.name, ())
    sizes = {name: power for name, power in recon.powers.items() if name in _SIZES or name in facts.layout.data}
    here = recon.number * math.prod(
        (facts.value_of(name) or math.nan) ** float(power) for name, power in recon.powers.items() if name not in sizes
    )
    batch = {"N": Fraction(1)} if facts.layout.batch else {}
    for part in parts:
        each = part.over(Monomial(here, sizes).times(Monomial(1.0, {**batch, "D": Fraction(1)})))
        if each.powers:
            continue
        for density, (spread, scale) in ((d, found) for d in densities for found in _spreads(d, each.number, here)):
            weight = Monomial(scale, sizes)
            variance = weight.over(recon)
            if _at_all_arguments(facts, density, weight, variance):
                unit = weight.times(Monomial(density.factor, {**batch, "D": Fraction(1)}))
                constant = Monomial(unit.number * density.each(spread) / density.factor, unit.powers)
                if variance.powers:
                    log = density.log.format(f"({variance})" if "/" in str(variance) else variance)
                    constant = Monomial(unit.number, {**unit.powers, log: Fraction(1)})
                return Normaliser(variance, weight, constant, density.dropped)
    return None


_SIZES = ("N", "D", "J", "T", "k")


def _spreads(density: _Density, each: float, coefficient: float) -> Iterator[tuple[float, float]]:
    """The spreads v with v · density.each(v) = each, and their weights coefficient · v; those of weight ±1 first."""
    found = []
    if near(each, density.each(1.0), 1e-5):  # log(2π)/2 is often written as 0.919
        found.append(1.0)
    lowest = density.lowest * density.each(density.lowest)
    for low, high in ((1e-30, density.lowest), (density.lowest, 1e9)):
        if not lowest <= each <= max(low * density.each(low), high * density.each(high)):
            continue
        rises = high * density.each(high) > low * density.each(low)
        for _ in range(200):
            middle = math.sqrt(low * high)
            low, high = (middle, high) if (middle * density.each(middle) < each) is rises else (low, middle)
        found.append(math.sqrt(low * high))
    natural = [1 / coefficient for v in found if near(coefficient * v, 1.0, 1e-7)] if coefficient > 0 else []
    natural += [-1 / coefficient for v in found if near(coefficient * v, -1.0, 1e-7)] if coefficient < 0 else []
    for spread in (*natural, *found):
        plain = spread if spread in natural else float(rational(spread, 1e-8) or 0.0)
        if plain and near(plain * density.each(plain), each, 1e-8 if plain != 1.0 else 1e-5):
            yield plain, coefficient * plain


def _at_all_arguments(facts: Facts, density: _Density, weight: Monomial, spread: Monomial) -> bool:
    """Whether the constant is the normaliser that belongs to the coefficient, at all swept values of the arguments."""
    found = facts.found
    if "constant" not in found.arguments.undetermined and not found.arguments.powers.get("constant"):
        return not spread.powers
    sizes = named_sizes(facts.lab.sizes, facts.layout)
    scale, examples = weight.value(sizes), sizes["N"] if facts.layout.batch else 1.0
    values = {tuple(sorted(point.items())): value for point, value in found.arguments.sampled.get("constant", [])}
    recons = found.arguments.sampled.get("recon", [])
    if not scale or len(found.constants or []) != 1 or len(recons) < 3:
        return False
    for point, coefficient in recons:
        measured = values.get(tuple(sorted(point.items())))
        at = scale / coefficient if coefficient else 0.0
        if measured is None or at <= 0 or not near(scale * examples * sizes["D"] * density.each(at), measured, 1e-7):
            return False
    return True
