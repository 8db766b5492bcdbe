"""Right terms with a number of their own, found by two scales in place of one: a weighted Bernoulli, another prior.

They are looked for before any edit is: a term that is right in a wider family is no edited term.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..dictionary.divergences import analytic
from ..dictionary.formula import Atom, Formula
from ..dictionary.likelihoods import bernoulli, log_cosh
from ..dictionary.scale_kinds import VARIANCE, softplus
from ..expressions import near, rational
from ..lab import Lab, LossFailed
from ..terms import Term
from .element import FEWEST, Match, Observed, fit


def two_scales(lab: Lab, one: Term, other: Term, seen: Observed) -> tuple[float, float] | None:
    """The scales of two terms whose sum the values are, but for a constant; None where they are not."""
    layout = lab.binding.layout
    if len(seen.draws) < FEWEST + 2:
        return None
    columns = np.array([[term.value(values, layout) for term in (one, other)] for values in seen.draws])
    if not np.all(np.isfinite(columns)):
        return None
    centred, target = columns - columns.mean(axis=0), seen.values - seen.values.mean()
    scales, *_ = np.linalg.lstsq(centred, target, rcond=None)
    sizes = [abs(s) * t.size(seen.draws[0], layout) for s, t in zip(scales, (one, other), strict=True)]
    residual = float(np.abs(target - centred @ scales).max())
    return (float(scales[0]), float(scales[1])) if residual <= lab.allowed(seen.size, *sizes) else None


def weighted_bernoulli(lab: Lab, seen: Observed) -> Match | None:
    """−w x log p − (1 − x) log(1 − p), on probabilities or on logits, of a positive w that is not 1."""
    if not {"recon", "x"} <= set(lab.binding.roles):
        return None
    probabilities = bernoulli()
    halves = [
        [replace(probabilities, atoms=(atom,)) for atom in probabilities.atoms],
        [_logit("{x}*softplus(-{recon})", 1), _logit("(1-{x})*softplus({recon})", 0)],
    ]
    for one, zero in halves:
        scales = two_scales(lab, Term(one), Term(zero), seen)
        if scales is None or not scales[1] or scales[0] / scales[1] <= 0 or near(scales[0], scales[1], 1e-9):
            continue
        ratio = rational(scales[0] / scales[1], 1e-9)
        weight = scales[0] / scales[1] if ratio is None else float(ratio)
        atoms = ((weight * one.atoms[0][0], one.atoms[0][1]), zero.atoms[0])
        shown = _argument(lab, weight, (Term(one), Term(zero)), seen) or f"{weight:.6g}"
        formula = Formula(
            "other",
            ("recon", "x"),
            atoms,
            detail=f"Bernoulli, weight {shown} on x",
            text=f"-sum({shown}*{{x}}*log p + (1-{{x}})*log(1-p))",
        )
        scale, residual, allowed = fit(lab, Term(formula), seen)
        if residual <= allowed:
            return Match(Term(formula), scale, residual, allowed)
    return None


def _argument(lab: Lab, weight: float, terms: tuple[Term, Term], seen: Observed) -> str:
    """The argument that is the weight: where it is another number, so is the weight; nothing where there is none."""
    for name, value in lab.parameters.items():
        if type(value) not in (int, float) or not near(weight, value, 1e-9):
            continue
        moved = lab.at(parameters={name: 2 * value})
        try:
            scales = two_scales(moved, *terms, Observed(seen.draws, moved.values(seen.draws)))
        except LossFailed:
            continue
        if scales is not None and scales[1] and near(scales[0] / scales[1], 2 * value, 1e-9):
            return name
    return ""


def _logit(text: str, of: int) -> Formula:
    """One half of the cross-entropy on logits."""
    if of:
        atom = Atom(text, lambda v: v["x"] * softplus(-v["recon"]), {})
    else:
        atom = Atom(text, lambda v: (1 - v["x"]) * softplus(v["recon"]), {})
    return Formula("other", ("recon", "x"), ((1.0, atom),))


def sharp_log_cosh(lab: Lab, seen: Observed) -> Match | None:
    """log cosh(α d)/α of an α that is not 1: far away it is |d| − log(2)/α."""
    base = seen.draws[0]
    if "x" not in base or base["recon"].shape != base["x"].shape:
        return None
    values = []
    for distance in (0.0, 20.0, 40.0):
        recon = base["recon"].copy()
        recon.flat[0] = base["x"].flat[0] + distance
        try:
            values.append(lab.value({**base, "recon": recon}))
        except LossFailed:
            return None
    at_none, far, farther = values
    slope = (farther - far) / 20
    short = 20 * slope - (far - at_none)
    if not np.isfinite(short) or not short or short * slope <= 0:
        return None
    term = Term(log_cosh(float(f"{slope * np.log(2) / short:.6g}")))
    scale, residual, allowed = fit(lab, term, seen)
    return Match(term, scale, residual, allowed) if residual <= allowed else None


def other_prior(lab: Lab, seen: Observed, offset: float) -> Match | None:
    """KL(N(μ, V) ‖ N(0, v)) = ½ ((μ² + V)/v − 1 − log V + log v), of a v that is not 1.

    With v = ½ or 2 the shape is that of a KL with one factor edited. The constant tells: ½ log v belongs to the prior.
    """
    if not {"mu", "scale"} <= set(lab.binding.roles):
        return None
    for kind in VARIANCE:
        whole = analytic(kind)
        energy = replace(whole, atoms=whole.atoms[:2], constant=0.0)
        entropy = replace(whole, atoms=whole.atoms[2:], constant=0.0)
        scales = two_scales(lab, Term(energy), Term(entropy), seen)
        if scales is None or not scales[0] or not scales[1] or scales[1] / scales[0] <= 0:
            continue
        variance = scales[1] / scales[0]
        atoms = tuple((factor / variance, atom) for factor, atom in whole.atoms[:2]) + whole.atoms[2:]
        formula = replace(
            whole,
            atoms=atoms,
            constant=-0.5 + 0.5 * float(np.log(variance)),
            detail=f"prior variance {variance:.6g}",
            text=f"KL(N({{mu}}, {{scale}}) || N(0, {variance:.6g}))",
        )
        term = Term(formula)
        scale, residual, allowed = fit(lab, term, seen)
        rest = seen.values[0] - offset - scale * term.value(seen.draws[0], lab.binding.layout)
        kept = abs(rest) <= lab.allowed(seen.size, offset) if np.isfinite(offset) else False
        factor = any(near(variance, value, 1e-9) for value in (0.5, 1.0, 2.0))
        if residual <= allowed and (kept or not factor):
            return Match(term, scale, residual, allowed)
    return None


def is_root_of_squares(lab: Lab, seen: Observed) -> bool:
    """Whether the values are the root of each example's sum of squared errors, but for a scale and a constant."""
    layout = lab.binding.layout
    if not {"recon", "x"} <= set(lab.binding.roles) or layout.axes("recon") != layout.axes("x") or not layout.batch:
        return False
    if len(seen.draws) < FEWEST:
        return False
    squares = [((one["x"] - one["recon"]) ** 2).reshape(lab.sizes["N"], -1).sum(1) for one in seen.draws]
    column = np.array([np.sqrt(each).sum() for each in squares])
    centred, target = column - column.mean(), seen.values - seen.values.mean()
    scale = float(centred @ target / (centred @ centred))
    return bool(scale) and float(np.abs(target - scale * centred).max()) <= lab.allowed(seen.size, scale * column.max())
