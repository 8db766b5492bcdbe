"""A squared error over a scale whose logarithm is not in the loss: right where the scale is a number that is fixed."""

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
"""Kinds in which a fixed scale is passed; a logarithm is that of a learned one."""


def of_fixed_scale(match: Match | None, slots: list[Slot], text: str) -> bool:
    """Whether a data term lacks the logarithm of a scale that the decoder need not put out.

    It does put it out beside a reconstruction that is called a mean, and where its documented shape is one of examples.
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
    """The experiments with the scale as a number; without the data term's formula where the loss takes none.

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
