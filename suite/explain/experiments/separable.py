"""Experiment 5, where no formula fits: whether the data term is a sum over observed values, and how it is reduced."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np

from ..dictionary.formula import Array
from ..lab import Lab, LossFailed, Values
from .state import DATA_SIDE

_AT = {"x": 1.0, "recon": 0.3, "mask": True}
_ELSE, _MOVED = 0.8, 0.7
_SEEDS = (97, 98, 99)


def is_separable(lab: Lab) -> bool:
    """Whether two reconstructed values never act together: a step along each axis, and along all of them."""
    axes = lab.binding.layout.axes("recon")
    if not axes or lab.binding.layout.classes or "recon" not in lab.binding.roles:
        return False
    first, moves = (0,) * len(axes), False
    others = [tuple(int(axis == one) for axis in axes) for one in axes] + [(1,) * len(axes)]
    try:
        for seed, other in product(_SEEDS, others):
            values = lab.draw(seed)
            none, one, two, both = (
                lab.value(_moved(values, _far(values), *places)) for places in ((), (first,), (other,), (first, other))
            )
            if abs(both - one - two + none) > lab.allowed(none, one, two, both):
                return False
            moves = moves or abs(one - none) > lab.allowed(none, one)
    except (LossFailed, IndexError):
        return False
    return moves


def of_one_value(lab: Lab) -> dict[str, float]:
    """What one reconstructed value, moved from one number to another, changes: it is proportional to the term's scale.

    Raises:
        LossFailed: the loss raised.
    """
    values = dict(replace(lab, held=frozenset(lab.binding.roles)).draw(0))
    for role in DATA_SIDE:
        if role in values:
            values[role] = values[role].copy()
            values[role][(0,) * values[role].ndim] = _AT.get(role, _ELSE)
    after = _moved(values, np.full_like(values["recon"], _MOVED), (0,) * values["recon"].ndim)
    return {"recon": lab.value(after) - lab.value(values)}


def _far(values: Values) -> Array:
    """Reconstructions that are far from their data, so that a maximum is moved too."""
    return np.where(values.get("x", np.zeros(())) < 0.5, 0.88, 0.12) + np.zeros_like(values["recon"])


def _moved(values: Values, to: Array, *places: tuple[int, ...]) -> Values:
    recon = values["recon"].copy()
    for place in places:
        recon[place] = to[place]
    return {**values, "recon": recon}
