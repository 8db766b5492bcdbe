"""Before experiment 2: the arguments at which a term shows that is warmed up, or whose weight is 0 by default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..glossary import is_time
from ..lab import Lab, LossFailed

LATE = 1_000_389
"""A step late in training that is no multiple of 10, 64 or any other cycle that people write."""


def late(lab: Lab, given: Mapping[str, Any]) -> Lab:
    """The lab late in training, so that what is warmed up counts, and at no cycle's start, where it is 0 again."""
    return _callable(lab, {name: LATE for name in lab.parameters if is_time(name) and name not in given})


def awake(lab: Lab, given: Mapping[str, Any]) -> Lab:
    """The lab with no weight at zero."""
    values = {name: value for name, value in lab.parameters.items() if name not in given and not is_time(name)}
    return _callable(lab, {name: 0.7 for name, value in values.items() if type(value) in (int, float) and value == 0})


def _callable(lab: Lab, changes: Mapping[str, Any]) -> Lab:
    """The lab with other arguments, where the loss takes them."""
    try:
        moved = lab.at(parameters=changes)
        moved.terms(moved.draw(0))
    except LossFailed:
        return lab
    return moved
