"""Is the term a right one with a free number, such as a weighted Bernoulli or a prior of another variance?

Two scales are fitted in place of one. These families are tried before edits, since their members are no faults.
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
    """The coefficients a, b of values = a·one + b·other + constant; None if the fit leaves more than rounding."""
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
    """−w x log p − (1 − x) log(1 − p), on probabilities or logits, with a positive w ≠ 1."""
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
    """One summand of the cross entropy on logits: of x, or of 1 − x."""
    if of:
        atom = Atom(text, lambda v: v["x"] * softplus(-v["recon"]), {})
    else:
        atom = Atom(text, lambda v: (1 - v["x"]) * softplus(v["recon"]), {})
    return Formula("other", ("recon", "x"), ((1.0, atom),))


def sharp_log_cosh(lab: Lab, seen: Observed) -> Match | None:
    """log cosh(α d)/α of a distance d with α ≠ 1; for large d it is |d| − log(2)/α, which gives α."""
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
    """KL(N(μ, V) ‖ N(0, v)) = ½ ((μ² + V)/v − 1 − log V + log v), with v ≠ 1.

    At v = ½ or 2, this equals the KL with one edited factor up to the constant ½ log v, which must then be there.

    Args:
        lab: the loss.
        seen: draws of the posterior.
        offset: the loss without the KL at the first draw of `seen`; NaN if unknown.
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
        plain = any(near(variance, value, 1e-9) for value in (0.5, 1.0, 2.0))
        kept = abs(rest) <= lab.allowed(seen.size, offset) if np.isfinite(offset) else not plain
        if residual <= allowed and kept:  # without its constant it may be a KL whose entropy has a weight
            return Match(term, scale, residual, allowed)
    return None


def is_root_of_squares(lab: Lab, seen: Observed) -> bool:
    """Whether the data term is Σ_n sqrt(Σ_d (x − x̂)²), up to scale and constant."""
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
