"""What is a loss whose KL has a threshold, above it and below it?"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from .answer import Coefficients, Region, Threshold
from .expressions import Monomial, negative
from .facts import Facts

UNIT = {"element": "K_nj", "example": "K_n", "latent": "mean_n(K_nj)", "batch": "mean_n(K_n)"}
"""Unit of a threshold → how its KL is written."""


def regions(facts: Facts) -> list[Region] | None:
    """The coefficients where the KL of all units is above the threshold, and where it is below."""
    bend, fitted = facts.bend, facts.found.at_base
    if bend is None or fitted is None:
        return None
    unit, at = UNIT[bend.per], place(facts)
    recon, slope, lost = (
        coefficient_text(facts.recon),
        coefficient_text(facts.kl),
        coefficient_text(of_thresholds(facts)),
    )
    minus = None if lost is None else negative(lost)
    above = Coefficients(recon, slope, minus if bend.kind in ("hinge", "capacity") else "0")
    below = Coefficients(
        recon,
        negative(str(slope)) if bend.kind == "capacity" else "0",
        lost if bend.kind in ("floor", "capacity") else "0",
    )
    if bend.kind == "ceiling":
        above, below = Coefficients(recon, "0", lost), Coefficients(recon, slope, "0")
    return [Region(f"{unit} > {at}", above, fitted.residual), Region(f"{unit} < {at}", below, fitted.residual)]


def counts(facts: Facts) -> str:
    """The side of the threshold on which the KL has a slope: `<` for a ceiling, else `>`."""
    return "<" if facts.bend is not None and facts.bend.kind == "ceiling" else ">"


def of_thresholds(facts: Facts) -> Monomial | None:
    """The constant that a floor leaves in the loss if the KL of all units is below the threshold."""
    if facts.bend is None or facts.kl is None or facts.threshold is None:
        return None
    names = (["N"] if facts.layout.batch else []) + (["J"] if facts.bend.per in ("element", "latent") else [])
    return facts.kl.times(facts.threshold).times(Monomial(1.0, {name: Fraction(1) for name in names}))


def place(facts: Facts) -> str:
    """The threshold as an expression, else as a number."""
    assert facts.bend is not None
    return str(facts.threshold) if facts.threshold else f"{facts.bend.at:.6g}"


def thresholds(facts: Facts) -> list[Threshold]:
    bend = facts.bend
    if bend is None or facts.found.bent is None:
        return []
    at = place(facts)
    binding = facts.lab.binding
    names = f"{binding.name_of('mu')}, {binding.name_of('scale')}"
    return [Threshold("kl", names, bend.kind, at, bend.per, facts.found.bent.below)]


def coefficient_text(monomial: Monomial | None, edited: bool = False, sizes: Iterable[int] = ()) -> str | None:
    """A coefficient as text, with a number as a product of `sizes` if it is one; None if unknown or edited."""
    return None if monomial is None or edited else str(monomial.over_product(sizes))
