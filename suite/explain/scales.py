"""Experiment 7: which coefficients do the two terms have, and how do they change with sizes and arguments?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from .experiments.arguments import dependences
from .experiments.element import observe
from .experiments.importance import weighted
from .experiments.outer import outer
from .experiments.reductions import SECOND_SIZES, Coefficients, coefficients, constant_of_sizes, powers_of_sizes
from .experiments.separable import of_one_value
from .experiments.state import DATA_SIDE, LATENT_SIDE
from .experiments.thresholds import again
from .expressions import Monomial, near
from .investigation import Investigation
from .lab import Lab, LossFailed
from .terms import Term


def scales(found: Investigation) -> None:
    """Measure coefficients and constant at the first sizes, at other sizes, and at other arguments."""
    if found.weighted is not None:
        _of_weights(found)
        return
    lab = replace(found.lab, fixed_roles=found.unexplained_roles)
    recon = found.recon_term
    floor = found.bent.term if found.bent else None
    if floor is not None and found.unexplained_roles:
        return  # only the constant tells a floor from a hinge, and beside an unknown term it is not known

    def kl_at(one: Lab) -> Term | None:
        if floor is None:
            return found.kl_term
        assert found.bent is not None
        moved = again(one, found.bent)
        return moved.term if moved is not None else None

    def measured(one: Lab) -> dict[str, float] | None:
        term = kl_at(one)
        if floor is not None and term is None:
            return None
        fitted = coefficients(one, recon, term)
        if fitted.residual > 100 * fitted.allowed:
            return None
        quantities = {"recon": fitted.recon, "kl": fitted.kl}
        if weights_differ(found, fitted.recon, fitted.kl):
            return None
        reach = max(abs(value) for value in quantities.values() if value is not None)
        named = {
            n: value if abs(value) > 1e-14 * reach else 0.0 for n, value in quantities.items() if value is not None
        }
        if floor is None and not found.unexplained_roles:
            named["constant"] = fitted.constant if abs(fitted.constant) > 8 * fitted.constant_error else 0.0
        if term is not None and term.bend is not None:
            named["threshold"] = term.bend.at
        return named

    def strict(one: Lab) -> dict[str, float]:
        quantities = measured(one)
        if quantities is None:
            raise LossFailed("another formula at these sizes")
        return {name: value for name, value in quantities.items() if name != "constant"}

    before = lab.calls[0]
    found.at_base = coefficients(lab, recon, found.kl_term)
    if found.at_base.residual > 100 * found.at_base.allowed:
        return
    found.sizes, found.fixed_axes = powers_of_sizes(lab, strict)
    if found.separable:
        found.sizes |= _powers(lab, of_one_value)
    if found.outer is not None:
        found.sizes |= _powers(found.lab, _of_outer(found.outer.of_batch))
    if found.bent is not None:
        found.constants = _constant_at(found.at_base)
    elif not found.unexplained_roles:
        found.constants = constant_of_sizes(
            lab, lambda one: ((c := coefficients(one, recon, kl_at(one))).constant, c.constant_error), found.fixed_axes
        )
    every = lab.at({axis: size for axis, size in SECOND_SIZES.items() if lab.sizes.get(axis, 100) < 100})
    found.note(
        "coefficients",
        "one size changed at a time, then all",
        lab.calls[0] - before,
        found.at_base.residual,
        [lab.shown_sizes, every.shown_sizes],
    )
    before = lab.calls[0]
    found.arguments = dependences(lab, measured)
    if found.arguments.swept:
        swept = ", ".join(found.arguments.swept)
        found.note("arguments", f"swept {swept}", lab.calls[0] - before, None)


def weights_differ(found: Investigation, recon: float | None, kl: float | None) -> bool:
    """Whether log p(x, z) and log q have different weights, so that the loss is no a·R + b·K."""
    return "log_joint" in found.state.roles and None not in (recon, kl) and not near(recon or 0.0, kl or 1.0, 1e-9)


def _powers(lab: Lab, measure: Callable[[Lab], Mapping[str, float]]) -> dict[str, Any]:
    """The exponents of `powers_of_sizes`; empty if the loss fails at the measured values."""
    try:
        return powers_of_sizes(lab, measure)[0]
    except LossFailed:
        return {}


def _constant_at(fitted: Coefficients) -> list[Monomial] | None:
    """The constant at one set of sizes as a number; empty if it is 0 up to rounding."""
    return [] if abs(fitted.constant) <= 8 * fitted.constant_error else [Monomial(fitted.constant)]


def by_role(found: Investigation) -> dict[str, tuple[Term, float]]:
    """Role → the identified term that contains it, and the term's coefficient."""
    fitted = found.at_base
    if fitted is None or found.outer is not None:
        return {}
    sides = ((DATA_SIDE, found.recon_term, fitted.recon), (LATENT_SIDE, found.kl_term, fitted.kl))
    return {role: (term, scale) for side, term, scale in sides for role in side if term is not None and scale}


def _of_outer(of_batch: bool) -> Callable[[Lab], dict[str, float]]:
    """Measures the slope of a function of the squared error, of the batch or of each example, at the sizes of a lab."""

    def measured(one: Lab) -> dict[str, float]:
        again = outer(one, observe(one, DATA_SIDE))
        if again is None or again.of_batch != of_batch:
            raise LossFailed("another data term at these sizes")
        return {"recon": again.slope}

    return measured


def _of_weights(found: Investigation) -> None:
    """Measure the coefficient of an importance-weighted bound; both terms in its weights have this coefficient."""
    first = found.weighted
    assert first is not None

    def measured(one: Lab) -> dict[str, float]:
        again = weighted(one, found.state.roles, first)
        if again is None:
            raise LossFailed("another formula at these sizes")
        return {"recon": again.recon.scale, "kl": again.kl.scale}

    scale = first.recon.scale
    found.at_base = Coefficients(scale, scale, 0.0, first.recon.residual, first.recon.allowed, 0.0)
    found.sizes, found.fixed_axes = powers_of_sizes(found.lab, measured)
    found.arguments = dependences(found.lab, measured)
