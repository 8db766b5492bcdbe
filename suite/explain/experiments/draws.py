"""Experiment 2, continued: does the loss draw random values itself, and which coefficients change with them?"""

from __future__ import annotations

from ..binding import KEY
from ..expressions import near
from ..lab import Draws, Lab
from ..terms import Term
from .reductions import coefficients
from .state import Dependence, dependence

SEEDS = (0, 1)
"""Seeds of these values; all experiments run with the first."""


def at_fixed_draws(lab: Lab) -> tuple[Dependence, bool]:
    """The dependence of a loss, and whether it draws values itself; these are then the same in every call."""
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
    """The terms, `recon` or `kl`, whose coefficient changes with the values that the loss draws.

    Args:
        lab: the loss; its `fixed_roles` are the roles in no term.
        recon, kl: the identified terms.
    """
    assert isinstance(lab.loss, Draws)
    several = []
    for seed in SEEDS[::-1]:
        lab.loss.hold(seed)
        fitted = coefficients(lab, recon, kl)
        several.append({"recon": fitted.recon, "kl": fitted.kl})
    one, other = several
    numbers = {name: (value, other[name]) for name, value in one.items()}
    return tuple(n for n, (a, b) in numbers.items() if a is not None and b is not None and not near(a, b, 1e-7))
