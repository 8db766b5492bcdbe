"""Experiment 2, continued: what a loss draws itself is held; which coefficients change with other values."""

from __future__ import annotations

from ..binding import KEY
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
    keyed = any(value is KEY for value in lab.parameters.values())
    if not isinstance(lab.loss, Draws) or (state.deterministic and not keyed):
        return state, False
    lab.loss.hold(SEEDS[0])
    state = dependence(lab)
    if keyed and state.deterministic:
        values = lab.draw(1)
        before = state.lab.value(values)
        lab.loss.hold(SEEDS[1])
        moved = state.lab.value(values) != before
        lab.loss.hold(SEEDS[0])
        return state, moved
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
