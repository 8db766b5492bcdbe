"""What a family says of a specification: the fields that it needs, and the words that it goes with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Field:
    """A field of a specification, and what it may hold.

    Attributes:
        name: of the field.
        expected: in words.
        fits: whether a JSON value is such.
        kept: the value as the specification has it.
    """

    name: str
    expected: str
    fits: Callable[[Any], bool]
    kept: Callable[[Any], Any]


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_positive(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and 0 < value < float("inf")


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) > 0 and all(_is_size(v) for v in value)


def whole(name: str) -> Field:
    """A field of a positive whole number."""
    return Field(name, "a positive whole number", _is_size, int)


def positive(name: str) -> Field:
    """A field of a positive finite number."""
    return Field(name, "a positive number", _is_positive, float)


def sizes(name: str) -> Field:
    """A field of one or more positive whole numbers."""
    return Field(name, "a list of positive whole numbers", _are_sizes, tuple)


def image_sizes(name: str) -> Field:
    """A field of a channel, a height and a width."""
    expected = "[channel, height, width], positive whole numbers"
    return Field(name, expected, lambda value: _are_sizes(value) and len(value) == 3, tuple)


@dataclass(frozen=True)
class Among:
    """The words of another condition that a family goes with."""

    condition: str
    words: tuple[str, ...]


def among(condition: str, *words: str) -> Among:
    """`Among` of these words."""
    return Among(condition, words)
