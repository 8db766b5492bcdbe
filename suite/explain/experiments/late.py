"""Before experiment 2: at which arguments do all terms count, if some are warmed up, or weighted by 0 by default?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..glossary import is_time
from ..lab import Lab, LossFailed

LATE = 1_000_389
"""A step late in training that is no multiple of 10, 64 or another usual length of a cycle."""


def late_in_training(lab: Lab, given: Mapping[str, Any]) -> Lab:
    """The lab at a late step, where warmed-up weights count; no cyclic schedule starts there, where its weight is 0.

    Args:
        lab: the bound loss.
        given: argument → value, as the user gave them; these keep their values.
    """
    return _with_arguments(lab, {name: LATE for name in lab.parameters if is_time(name) and name not in given})


def with_nonzero_weights(lab: Lab, given: Mapping[str, Any]) -> Lab:
    """The lab with 0.7 in place of arguments that are 0; the arguments in `given` keep their values."""
    values = {name: value for name, value in lab.parameters.items() if name not in given and not is_time(name)}
    zeros = [name for name, value in values.items() if type(value) in (int, float) and value == 0]
    return _with_arguments(lab, dict.fromkeys(zeros, 0.7))


def _with_arguments(lab: Lab, changes: Mapping[str, Any]) -> Lab:
    """The lab with other arguments; unchanged if the loss does not take them."""
    try:
        moved = lab.at(parameters=changes)
        moved.terms(moved.draw(0))
    except LossFailed:
        return lab
    return moved
