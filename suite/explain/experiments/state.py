"""Experiments 2 and 3: do two equal calls agree, and which roles does each returned term depend on?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from ..lab import Lab, LossFailed

DATA_SIDE = ("recon", "x", "recon_scale", "dispersion", "dropout", "mask", "log_px", "log_joint")
LATENT_SIDE = ("mu", "scale", "z", "prior_mu", "prior_scale", "z_last", "log_det", "log_pz", "log_q")
_TOTAL = ("loss", "total", "total_loss", "objective", "elbo", "nelbo", "neg_elbo", "vae_loss", "return value")
"""Names of a returned total, the likeliest first."""


@dataclass(frozen=True)
class Dependence:
    """Determinism and dependence.

    Attributes:
        lab: the lab with its total chosen, and with the machine epsilon of the dtype that the loss returns.
        deterministic: whether two calls with the same arguments agree.
        stateful: whether a repeated call differs after calls with other arguments.
        roles: the roles that the total depends on.
        terms: `total` → the names of the returned terms in it.
        vector: whether the total is a value per example, [N].
        calls: the number of calls.
        finite: whether the total is a finite number.
    """

    lab: Lab
    deterministic: bool
    stateful: bool
    roles: tuple[str, ...]
    terms: dict[str, str]
    vector: bool
    calls: int
    finite: bool = True


def dependence(lab: Lab) -> Dependence:
    """Choose the total among the returned terms, by the roles that each depends on."""
    before = lab.calls[0]
    base = lab.draw(1)
    first, second = lab.terms(base), lab.terms(base)
    same = all(np.array_equal(first[name], second.get(name, np.nan), equal_nan=True) for name in first)
    touched: dict[str, set[str]] = {name: set() for name in first}
    for start in (base, {role: value * 40 if role == "mu" else value for role, value in base.items()}):
        # The posterior is moved far from the prior too, since a KL below a floor is constant.
        unmoved = lab.terms(start)
        for role, seed in product(lab.binding.roles, (2, 3)):
            moved = {**start, role: lab.draw_role(role, np.random.default_rng(seed))}
            try:
                after = lab.terms(moved)
            except LossFailed:
                continue
            for name in first:
                if name in after and not np.array_equal(unmoved[name], after[name]):
                    touched[name].add(role)
    third = lab.terms(base)
    stateful = same and not all(np.array_equal(first[name], third.get(name, np.nan), equal_nan=True) for name in first)
    total = _total(first, touched)
    dtype = np.result_type(*(first[name].dtype for name in total))
    eps = float(np.finfo(dtype).eps) if dtype.kind == "f" else lab.epsilon
    roles = tuple(r for r in lab.binding.roles if any(r in touched[name] for name in total))
    vector = any(first[name].ndim > 0 and first[name].size > 1 for name in total)
    return Dependence(
        replace(lab, total=total, epsilon=eps),
        same,
        stateful,
        roles,
        {"total": " + ".join(total)} if total else {},
        vector,
        lab.calls[0] - before,
        all(bool(np.all(np.isfinite(first[name]))) for name in total),
    )


def _total(terms: dict[str, np.ndarray], touched: dict[str, set[str]]) -> tuple[str, ...]:
    """The names of the terms in the total.

    The total is the term that depends on data and posterior, chosen by name among several; if there is none, the sum of
    the terms that depend on either.
    """
    both = [n for n, roles in touched.items() if roles & set(DATA_SIDE) and roles & set(LATENT_SIDE)]
    for name in _TOTAL:
        for found in both:
            if found.lower() == name:
                return (found,)
    if both:
        return (both[0],)
    depending = tuple(name for name, roles in touched.items() if roles)
    sides = [(bool(touched[n] & set(DATA_SIDE)), bool(touched[n] & set(LATENT_SIDE))) for n in depending]
    if len(set(sides)) < len(sides):  # several terms of one side: the first of each
        depending = tuple(name for place, name in enumerate(depending) if sides.index(sides[place]) == place)
    return depending or tuple(terms)
