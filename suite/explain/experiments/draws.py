"""Experiment 2, continued: what a loss draws itself is held; which coefficients change with other values."""

from __future__ import annotations

from ..expressions import near
from ..lab import Draws, Lab
from ..terms import Term
from .reductions import coefficients
from .state import Dependence, dependence

SEEDS = (0, 1)
"""Of the values: the first are those that are held."""


def settled(lab: Lab) -> tuple[Dependence, bool]:
    """What the loss depends on, and whether it draws values itself, which are held then."""
    state = dependence(lab)
    if state.deterministic or not isinstance(lab.loss, Draws):
        return state, False
    lab.loss.hold(SEEDS[0])
    state = dependence(lab)
    return state, state.deterministic


def varying(lab: Lab, recon: Term | None, kl: Term | None) -> tuple[str, ...]:
    """The terms whose coefficient is another where the loss draws other values."""
    assert isinstance(lab.loss, Draws)
    several = []
    for seed in SEEDS[::-1]:
        lab.loss.hold(seed)
        fitted = coefficients(lab, recon, kl)
        several.append({"recon": fitted.recon, "kl": fitted.kl})
    one, other = several
    numbers = {name: (value, other[name]) for name, value in one.items()}
    return tuple(n for n, (a, b) in numbers.items() if a is not None and b is not None and not near(a, b, 1e-7))
