"""Experiment 7 on an investigation: the scales of its two terms, and how they change with sizes and arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .experiments.arguments import dependences
from .experiments.reductions import OTHER, Coefficients, coefficients, constant_of_sizes, powers_of_sizes
from .experiments.state import DATA_SIDE, LATENT_SIDE
from .experiments.thresholds import again
from .expressions import Monomial
from .lab import Lab, LossFailed
from .terms import Term

if TYPE_CHECKING:
    from .investigation import Investigation


def scales(found: Investigation) -> None:
    """Experiment 7: scales and constant at the first sizes, at others, and at other arguments."""
    lab = found.lab
    recon = found.recon_term
    floor = found.bent.term if found.bent else None

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
        fitted = coefficients(one, recon, term, hold_data=found.outer is not None)
        if fitted.residual > 100 * fitted.allowed:
            return None
        quantities = {"recon": fitted.recon, "kl": fitted.kl}
        reach = max(abs(value) for value in quantities.values() if value is not None)
        named = {
            n: value if abs(value) > 1e-14 * reach else 0.0 for n, value in quantities.items() if value is not None
        }
        if floor is None:
            named["constant"] = fitted.constant if abs(fitted.constant) > 8 * fitted.blur else 0.0
        if term is not None and term.bend is not None:
            named["threshold"] = term.bend.at
        return named

    def strict(one: Lab) -> dict[str, float]:
        quantities = measured(one)
        if quantities is None:
            raise LossFailed("another formula at these sizes")
        return {name: value for name, value in quantities.items() if name != "constant"}

    before = lab.calls[0]
    found.at_base = coefficients(lab, recon, found.kl_term, hold_data=found.outer is not None)
    if found.at_base.residual > 100 * found.at_base.allowed:
        return
    found.sizes, found.stuck = powers_of_sizes(lab, strict)
    if found.bent is not None:
        found.constants = _constant_at(found.at_base)
    elif found.outer is None:
        found.constants = constant_of_sizes(
            lab, lambda one: ((c := coefficients(one, recon, kl_at(one))).constant, c.blur), found.stuck
        )
    every = lab.at({axis: size for axis, size in OTHER.items() if lab.sizes.get(axis, 100) < 100})
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


def _constant_at(fitted: Coefficients) -> list[Monomial] | None:
    return [] if abs(fitted.constant) <= 8 * fitted.blur else [Monomial(fitted.constant)]


def by_role(found: Investigation) -> dict[str, tuple[Term, float]]:
    """Role → the term that it is in, with its coefficient."""
    fitted = found.at_base
    if fitted is None or found.outer is not None:
        return {}
    sides = ((DATA_SIDE, found.recon_term, fitted.recon), (LATENT_SIDE, found.kl_term, fitted.kl))
    return {role: (term, scale) for side, term, scale in sides for role in side if term is not None and scale}
