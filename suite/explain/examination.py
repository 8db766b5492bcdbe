"""In which order do the experiments run? `Investigation` collects their results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..reference.errors import BadInput
from .binding import DENSITIES
from .experiments.bind import bind, slots_of
from .experiments.clamps import clamps
from .experiments.densities import explained
from .experiments.draws import at_fixed_draws, varying
from .experiments.fixed import of_fixed_scale, of_numbers
from .experiments.late import late_in_training, with_nonzero_weights
from .experiments.slopes import slopes
from .experiments.source_sizes import fixed_sizes, integers
from .experiments.state import DATA_SIDE, dependence
from .investigation import Investigation
from .lab import Called, Lab
from .scales import by_role, scales
from .sides import sides


def investigate(
    loss: Called, function: Callable[..., Any], source: str, arguments: Mapping[str, str], parameters: Mapping[str, Any]
) -> Investigation:
    """Bind a loss and run all experiments.

    Args:
        loss: the user's loss, on NumPy values.
        function: the loss as it was imported, for its signature and docstring.
        source: its source text; empty if there is none.
        arguments: argument → role, as the user gave them.
        parameters: argument → value, as the user gave them.

    Raises:
        BadInput: the loss cannot be called.
    """
    slots = slots_of(function, arguments, parameters)
    text = f"{function.__doc__ or ''}\n{source}"
    if any(slot.role in DENSITIES for slot in slots):
        found = explained(loss, slots, text, parameters, examine)
        found.source_integers = integers(function, source)
        return found
    errors: list[BadInput] = []
    for limits in fixed_sizes(source):
        try:
            lab = bind(loss, slots, text, limits)
            break
        except BadInput as refused:
            errors.append(refused)
    else:
        raise errors[0]
    found = examine(lab, parameters)
    if of_fixed_scale(found.recon, slots, text) and "recon_scale" not in arguments.values():
        found = of_numbers(found, lambda numbers: examine(bind(loss, numbers, text, {}), parameters), slots)
    found.source_integers = integers(function, source)
    return found


def examine(lab: Lab, parameters: Mapping[str, Any]) -> Investigation:
    """Run all experiments but the binding.

    Args:
        lab: the bound loss, at its first sizes.
        parameters: argument → value, as the user gave them.
    """
    state, drawn = at_fixed_draws(late_in_training(lab, parameters))
    if set(state.lab.binding.roles) - set(state.roles):  # a weight whose default is 0 hides a term
        weighted_state = dependence(with_nonzero_weights(state.lab, parameters))
        state = weighted_state if len(weighted_state.roles) > len(state.roles) else state
    found = Investigation(state, state.lab, drawn=drawn)
    found.note("binding", f"called with {', '.join(lab.binding.roles)}", lab.calls[0], None)
    found.note("dependence", f"the total depends on {', '.join(state.roles)}", state.calls, None)
    if found.refused:
        no_number = "the value is infinite or NaN at finite arguments"
        why = no_number if state.deterministic else "two calls with the same arguments differ"
        found.undetermined.append(f"everything: {why}")
        return found
    if found.drawn:
        found.note("draws", "the loss draws random values; they are the same in every call", state.calls, None)
    sides(found)
    if found.drawn:
        found.varying = varying(
            replace(found.lab, fixed_roles=found.unexplained_roles), found.recon_term, found.kl_term
        )
        if "recon" in found.varying:
            found.recon = None
        if "kl" in found.varying:
            found.kl = found.bent = None
    if found.recon is not None or found.kl_term is not None:
        scales(found)
        found.constants = None if found.drawn else found.constants
        before = found.lab.calls[0]
        bend = found.bent.term.bend if found.bent is not None else None
        has_ceiling = bend is not None and bend.kind == "ceiling"  # above it, no argument of the KL changes the value
        found.clamps = clamps(found.lab, [role for role in state.roles if not has_ceiling or role in DATA_SIDE])
        if found.clamps:
            places = ", ".join(f"{one.argument} = {one.at}" for one in found.clamps)
            found.note("clamps", f"the value rests beyond {places}", found.lab.calls[0] - before, None)
    found.slopes = slopes(found.lab, by_role(found))
    if found.slopes is not None:
        found.note("slopes", found.slopes.shows, found.slopes.calls, found.slopes.residual)
        if found.slopes.failed:
            found.undetermined.append(f"the gradients: taking them raised {found.slopes.failed}")
    return found
