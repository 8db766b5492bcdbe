"""Experiment 5 for a loss that is not additive: is it the importance-weighted bound of Burda et al. (2016)?

That bound is Σ_n log(mean over k draws of exp(−R − K)), with K = log q(z) − log p(z).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..dictionary.divergences import divergences
from ..dictionary.formula import Array
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
    if not layout.samples or not layout.batch or "z" not in roles:
        return None
    draws = [lab.draw(seed) for seed in range(600, 600 + DRAWS)]
    try:
        values = lab.values(draws)
    except LossFailed:
        return None
    sides = [tuple(sorted(set(roles) & set(side))) for side in (DATA_SIDE, LATENT_SIDE)]
    recons = [known.recon.term] if known else [Term(one) for one in likelihoods(*sides[0]) if "recon" in one.roles]
    kls = [known.kl.term] if known else [Term(one) for one in divergences(*sides[1]) if one.name == "sampled"]
    of_kl = {place: [_per_draw(lab, term, one) for one in draws] for place, term in enumerate(kls)}
    for recon in recons:
        of_recon = [_per_draw(lab, recon, one) for one in draws]
        for place, kl in enumerate(kls):
            column = np.array([_bound(r + k) for r, k in zip(of_recon, of_kl[place], strict=True)])
            sizes = max(recon.size(draws[0], layout), kl.size(draws[0], layout))
            found = _fit(lab, column, values, sizes)
            if found is not None:
                return Weighted(Match(recon, *found), Match(kl, *found))
    return None


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
