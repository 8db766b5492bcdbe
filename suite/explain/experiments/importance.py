"""Experiment 5 for a loss that is not additive: is it the importance-weighted bound of Burda et al. (2016)?

That bound is Σ_n log(mean over k draws of exp(−R − K)), with K = log q(z) − log p(z).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..dictionary.divergences import divergences
from ..dictionary.edits import Edited
from ..dictionary.formula import Array, Formula
from ..dictionary.given import edits_of_given, given_divergences, given_likelihoods
from ..dictionary.likelihoods import likelihoods
from ..lab import Lab, LossFailed, Values
from ..terms import Term
from .element import DRAWS, Match
from .state import DATA_SIDE, LATENT_SIDE


@dataclass(frozen=True)
class Weighted:
    """The terms R and K in the importance weights; the scale of both is the coefficient of the bound."""

    recon: Match
    kl: Match


def weighted(lab: Lab, roles: tuple[str, ...], known: Weighted | None = None) -> Weighted | None:
    """The formulas of R and K in the importance weights; None if the loss is no importance-weighted bound.

    Args:
        lab: the loss.
        roles: the roles that it depends on.
        known: the terms, if only their coefficient is measured anew.
    """
    layout = lab.binding.layout
    if not layout.samples or not layout.batch or not {"z", "log_q"} & set(roles):
        return None
    draws = [lab.draw(seed) for seed in range(600, 600 + DRAWS)]
    try:
        values = lab.values(draws)
    except LossFailed:
        return None
    sides = [tuple(sorted(set(roles) & set(side))) for side in (DATA_SIDE, LATENT_SIDE)]
    data = [one for one in likelihoods(*sides[0]) if "recon" in one.roles] + [*given_likelihoods(*sides[0])]
    ratios = [one for one in divergences(*sides[1]) if one.name == "sampled"] + [*given_divergences(*roles)]
    recons: list[Term] = [Term(one) for one in data] if known is None else [known.recon.term]
    kls: list[tuple[Term, Edited | None]] = [(Term(one), None) for one in ratios]
    if known is not None:
        kls = [(known.kl.term, known.kl.edited)]
    of_recon = {place: [_per_draw(lab, term, one) for one in draws] for place, term in enumerate(recons)}
    if known is None:
        kls += [(Term(one.formula), one) for formula in given_divergences(*roles) for one in _edits(formula)]
    for kl, edited in kls:
        of_kl = [_per_draw(lab, kl, one) for one in draws]
        for place, recon in enumerate(recons):
            column = np.array([_bound(r + k) for r, k in zip(of_recon[place], of_kl, strict=True)])
            sizes = max(recon.size(draws[0], layout), kl.size(draws[0], layout))
            found = _fit(lab, column, values, sizes)
            if found is not None:
                return Weighted(Match(recon, *found), Match(kl, *found, edited=edited))
    return None


def _edits(formula: Formula) -> Iterator[Edited]:
    """The edits of given densities: the wrong sign on one or on all, or a missing one."""
    yield from edits_of_given(formula)
    atoms = tuple((-factor, atom) for factor, atom in formula.atoms)
    yield Edited(replace(formula, atoms=atoms), "sign", " and ".join(atom.text for _, atom in formula.atoms))


def _per_draw(lab: Lab, term: Term, values: Values) -> Array:
    """A term per draw and example: [k, N], or [1, N] if it does not depend on draws."""
    elements, axes = term.elements(values, lab.binding.layout)
    kept = elements.sum(axis=tuple(place for place, axis in enumerate(axes) if axis not in ("k", "N")))
    return np.asarray(kept if "k" in axes else kept[None])


def _bound(minus_log: Array) -> float:
    """The negative bound Σ_n −log(mean over draws of exp(−minus_log)), of minus_log: [k, N]."""
    least = minus_log.min(axis=0)
    return float((least - np.log(np.exp(least - minus_log).mean(axis=0))).sum())


def _fit(lab: Lab, column: Array, values: Array, sizes: float) -> tuple[float, float, float] | None:
    """Scale, residual and allowed residual, relative to the range of the values; None if the residual is larger."""
    if not np.all(np.isfinite(column)) or np.ptp(column) == 0:
        return None
    centred, target = column - column.mean(), values - values.mean()
    scale = float(centred @ target / (centred @ centred))
    reach = float(np.abs(target).max()) or 1e-300
    residual = float(np.abs(target - scale * centred).max()) / reach
    allowed = lab.allowed(float(np.abs(values).max()), scale * sizes) / reach
    return (scale, residual, allowed) if scale and residual <= allowed else None
