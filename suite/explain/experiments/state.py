"""Experiment 2 and 3: do two equal calls agree, and which values does each returned term depend on?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from ..glossary import is_time
from ..lab import Lab, LossFailed

DATA_SIDE = ("recon", "x", "recon_scale", "dispersion", "dropout", "mask", "log_px", "log_joint")
LATENT_SIDE = ("mu", "scale", "z", "prior_mu", "prior_scale", "z_last", "log_det", "log_pz", "log_q")
_TOTAL = ("loss", "total", "total_loss", "objective", "elbo", "nelbo", "neg_elbo", "vae_loss", "return value")


@dataclass(frozen=True)
class Dependence:
    """What was shown.

    Attributes:
        lab: the lab with its total chosen, in the dtype that came out.
        deterministic: whether two calls with the same arguments agree.
        stateful: whether a third call, after another one, differs from the first.
        roles: those that the total depends on.
        terms: term → what it is called in the answer.
        vector: whether the total comes per example.
        summed: whether the total is a sum of several returned terms.
        calls: how many were made.
    """

    lab: Lab
    deterministic: bool
    stateful: bool
    roles: tuple[str, ...]
    terms: dict[str, str]
    vector: bool
    summed: bool
    calls: int


def dependence(lab: Lab) -> Dependence:
    """Choose the total among the terms, by what each depends on."""
    before = lab.calls[0]
    base = lab.draw(1)
    first, second = lab.terms(base), lab.terms(base)
    same = all(np.array_equal(first[name], second.get(name, np.nan)) for name in first)
    touched: dict[str, set[str]] = {name: set() for name in first}
    for start in (base, {role: value * 40 if role == "mu" else value for role, value in base.items()}):
        # far from the prior too: below a floor a KL depends on nothing
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
    stateful = same and not all(np.array_equal(first[name], third.get(name, np.nan)) for name in first)
    total, summed = _total(first, touched)
    shown = dict.fromkeys(total, "")
    dtype = np.result_type(*(first[name].dtype for name in total))
    eps = float(np.finfo(dtype).eps) if dtype.kind == "f" else lab.epsilon
    roles = tuple(r for r in lab.binding.roles if any(r in touched[name] for name in total))
    vector = any(first[name].ndim > 0 and first[name].size > 1 for name in total)
    return Dependence(
        replace(lab, total=total, epsilon=eps),
        same,
        stateful,
        roles,
        {"total": " + ".join(shown)} if shown else {},
        vector,
        summed,
        lab.calls[0] - before,
    )


def _total(terms: dict[str, np.ndarray], touched: dict[str, set[str]]) -> tuple[tuple[str, ...], bool]:
    """The term that depends on both sides; by its name where several do; else the sum of all that depend on any."""
    both = [n for n, roles in touched.items() if roles & set(DATA_SIDE) and roles & set(LATENT_SIDE)]
    for name in _TOTAL:
        for found in both:
            if found.lower() == name:
                return (found,), False
    if both:
        return (both[0],), False
    depending = tuple(name for name, roles in touched.items() if roles)
    sides = [(bool(touched[n] & set(DATA_SIDE)), bool(touched[n] & set(LATENT_SIDE))) for n in depending]
    if len(set(sides)) < len(sides):  # several terms of one side: the first of each
        depending = tuple(name for place, name in enumerate(depending) if sides.index(sides[place]) == place)
    return depending or tuple(terms), len(depending) > 1


LATE = 1_000_389
"""A step late in training that is no multiple of 10, 64 or any other cycle that people write."""


def late(lab: Lab, given: Mapping[str, Any]) -> Lab:
    """The lab late in training, so that what is warmed up counts, and at no cycle's start, where it is 0 again."""
    return _callable(lab, {name: LATE for name in lab.parameters if is_time(name) and name not in given})


def awake(lab: Lab, given: Mapping[str, Any]) -> Lab:
    """The lab with no weight at zero."""
    values = {name: value for name, value in lab.parameters.items() if name not in given and not is_time(name)}
    return _callable(lab, {name: 0.7 for name, value in values.items() if type(value) in (int, float) and value == 0})


def _callable(lab: Lab, changes: Mapping[str, Any]) -> Lab:
    """The lab with other arguments, where the loss takes them."""
    try:
        moved = lab.at(parameters=changes)
        moved.terms(moved.draw(0))
    except LossFailed:
        return lab
    return moved
