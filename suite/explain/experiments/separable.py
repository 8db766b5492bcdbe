"""Experiment 5 for a data term without a known formula: is it a sum over observed values, and how is it reduced?"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np

from ..dictionary.formula import Array
from ..lab import Lab, LossFailed, Values
from .state import DATA_SIDE

_AT = {"recon": 0.3, "mask": True}
_ELSE, _MOVED = 0.8, 0.7
_SEEDS = (97, 98, 99)


def is_separable(lab: Lab) -> bool:
    """Whether mixed differences of two reconstructed values are 0, for a step along each axis and along all axes."""
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


def ties_examples(lab: Lab, role: str) -> bool:
    """Whether mixed differences of two examples are not 0, so that the loss is no sum over examples."""
    axes = lab.binding.layout.axes(role)
    if role not in lab.binding.roles or "N" not in axes:
        return False
    values, fresh, place = lab.draw(98), lab.draw(97), axes.index("N")

    def moved(*rows: int) -> float:
        value = values[role].copy()
        for row in rows:
            np.moveaxis(value, place, 0)[row] = np.moveaxis(fresh[role], place, 0)[row]
        return lab.value({**values, role: value})

    try:
        none, one, two, both = moved(), moved(0), moved(1), moved(0, 1)
    except LossFailed:
        return False
    together = abs(both - one - two + none)
    return together > 1e-6 * max(abs(one - none), abs(two - none)) + lab.allowed(none, one, two, both)


def of_one_value(lab: Lab) -> dict[str, float]:
    """The change of the loss when one reconstructed value moves from 0.3 to 0.7: it is proportional to the coefficient.

    Raises:
        LossFailed: the loss raised.
    """
    values = dict(replace(lab, fixed_roles=frozenset(lab.binding.roles)).draw(0))
    for role in DATA_SIDE:
        if role in values:
            values[role] = values[role].copy()
            whole = role == "x" and lab.domains.get("x") != "unit"
            values[role][(0,) * values[role].ndim] = 1 if whole else _AT.get(role, _ELSE)
    after = _moved(values, np.full_like(values["recon"], _MOVED), (0,) * values["recon"].ndim)
    return {"recon": lab.value(after) - lab.value(values)}


def _far(values: Values) -> Array:
    """Reconstructions far from their data, so that a maximum over elements changes too."""
    return np.where(values.get("x", np.zeros(())) < 0.5, 0.88, 0.12) + np.zeros_like(values["recon"])


def _moved(values: Values, to: Array, *places: tuple[int, ...]) -> Values:
    recon = values["recon"].copy()
    for place in places:
        recon[place] = to[place]
    return {**values, "recon": recon}
