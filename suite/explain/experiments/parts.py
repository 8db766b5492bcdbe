"""Is one part of a KL reduced over other axes than the rest? The coefficient of each part is measured at two sizes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ..dictionary.divergences import analytic
from ..dictionary.formula import Formula
from ..dictionary.scale_kinds import VARIANCE
from ..expressions import Monomial
from ..lab import Lab, LossFailed
from ..terms import Term
from .element import FEWEST, Observed, observe
from .reductions import collapsed, exponent, other_size
from .state import LATENT_SIDE


@dataclass(frozen=True)
class Apart:
    """A part of a KL that is reduced over other axes than the rest.

    Attributes:
        part: the part's text, with roles in braces.
        by: its additional divisor.
        or_prior: whether a prior whose variance is a function of the sizes explains it too.
    """

    part: str
    by: Monomial
    or_prior: bool


def apart(lab: Lab, seen: Observed, offset: float) -> Apart | None:
    """The part of an analytic KL that is reduced over other axes; None if there is none, or if a prior explains it.

    Args:
        lab: the loss.
        seen: its values at draws of the posterior.
        offset: the data term in these values; NaN if it is unknown.
    """
    if not {"mu", "scale"} <= set(lab.binding.roles) or lab.binding.layout.matrix:
        return None
    for kind in VARIANCE:
        formula = analytic(kind)
        base = _scales(lab, formula, seen)
        if base is None:
            continue
        powers: list[dict[str, Fraction]] = [{} for _ in base]
        layout = lab.binding.layout
        for axis in dict.fromkeys((*(("N",) if layout.batch else ()), *layout.latent)):
            try:
                moved = lab.at({axis: other_size(axis, lab.sizes[axis])})
                scales = _scales(moved, formula, observe(moved, LATENT_SIDE))
            except LossFailed:
                return None
            moves = [
                exponent(after / before, moved.sizes[axis] / lab.sizes[axis])
                for after, before in zip(scales or (), base, strict=False)
            ]
            if None in moves or len(moves) < len(base):
                return None
            for own, power in zip(powers, moves, strict=True):
                own[axis] = power or Fraction(0)
        found = _odd(lab, formula, powers)
        return None if found is not None and found.or_prior and _of_prior(lab, formula, base, seen, offset) else found
    return None


def _of_prior(lab: Lab, formula: Formula, scales: list[float], seen: Observed, offset: float) -> bool:
    """Whether the constant is that of KL(N(μ, V) ‖ N(0, v)) = ½ ((μ² + V)/v − 1 − log V + log v)."""
    variance = scales[-1] / scales[0]
    atoms = tuple((factor * scale, atom) for scale, (factor, atom) in zip(scales, formula.atoms, strict=True))
    constant = scales[-1] * (-0.5 + 0.5 * float(np.log(variance))) if variance > 0 else np.nan
    term = Term(replace(formula, atoms=atoms, constant=constant))
    rest = seen.values[0] - offset - term.value(seen.draws[0], lab.binding.layout)
    return bool(abs(rest) <= lab.allowed(seen.size, offset, term.size(seen.draws[0], lab.binding.layout)))


def _odd(lab: Lab, formula: Formula, powers: list[dict[str, Fraction]]) -> Apart | None:
    """The one part of three whose exponents differ from those of the others."""
    for place, own in enumerate(powers):
        others = [other for index, other in enumerate(powers) if index != place]
        if own == others[0] or others[0] != others[1]:
            continue
        by = {axis: others[0][axis] - power for axis, power in own.items()}
        or_prior = place == len(powers) - 1 and not by.get("N")
        return Apart(formula.atoms[place][1].text, Monomial(1.0, collapsed(by, lab.binding.layout)), or_prior)
    return None


def _scales(lab: Lab, formula: Formula, seen: Observed) -> list[float] | None:
    """The coefficients of the parts whose weighted sum the values are; None if they are no such sum."""
    terms = [Term(replace(formula, atoms=(atom,), constant=0.0)) for atom in formula.atoms]
    layout = lab.binding.layout
    if len(seen.draws) < FEWEST + len(terms):
        return None
    columns = np.array([[term.value(values, layout) for term in terms] for values in seen.draws])
    if not np.all(np.isfinite(columns)):
        return None
    centred, target = columns - columns.mean(axis=0), seen.values - seen.values.mean()
    scales, *_ = np.linalg.lstsq(centred, target, rcond=None)
    sizes = [abs(s) * t.size(seen.draws[0], layout) for s, t in zip(scales, terms, strict=True)]
    residual = float(np.abs(target - centred @ scales).max())
    if residual > lab.allowed(seen.size, *sizes) or not all(scales):
        return None
    return [float(scale) for scale in scales]
