"""Is the scale of a squared error a fixed number? Its logarithm may then be missing from a correct loss."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from ...reference.errors import BadInput
from ..binding import Slot
from ..glossary import documented_shapes
from ..investigation import Investigation
from .element import Match

_PLAIN = ("sd", "var", "precision")
"""Scale kinds of a fixed scale; a scale that is given as its logarithm is learned."""


def of_fixed_scale(match: Match | None, slots: list[Slot], text: str) -> bool:
    """Whether a data term lacks the logarithm of a scale that may be a fixed number.

    The scale is the decoder's output if the reconstruction is called a mean, or if the scale's documented shape has a
    batch axis.
    """
    if match is None or match.edited is None or match.edited.edit != "dropped-term":
        return False
    shapes = documented_shapes(text)
    learned = any(len(shapes.get(slot.name, ())) > 1 for slot in slots if slot.role == "recon_scale") or any(
        re.search(r"mu|mean|loc", slot.name.lower()) for slot in slots if slot.role == "recon"
    )
    return match.edited.where.startswith("log(") and match.term.formula.kind in _PLAIN and not learned


def of_numbers(
    found: Investigation, examined: Callable[[list[Slot]], Investigation], slots: list[Slot]
) -> Investigation:
    """The experiments with the scale as a number; without the formula of the data term if the loss takes no number.

    Args:
        found: the experiments with the scale as the decoder's.
        examined: arguments → experiments.
        slots: the arguments.
    """
    names = [slot.name for slot in slots if slot.role == "recon_scale"]
    why = f"whether `{', '.join(names)}` is learned: then the loss lacks its logarithm"
    numbers = [
        replace(slot, role="parameter", default=0.5, given=False) if slot.name in names else slot for slot in slots
    ]
    try:
        again = examined(numbers)
    except BadInput:
        again = None
    if again is None or again.recon is None:
        found.recon = None
        again = found
    again.undetermined.append(why)
    return again
