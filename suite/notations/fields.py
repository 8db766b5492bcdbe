"""Fields of notation.toml whose text is read as something else: conditions, axes by name, TeX of a code name."""

from __future__ import annotations

from ..reference.parsing import CONDITIONS
from .axes import parse_axes

WORDS = {word: condition for condition, words in CONDITIONS.items() for word in words}
"""Every word of a specification → the condition that it belongs to. No word belongs to two."""


class Misread(ValueError):
    """A text that its field cannot hold. The message says what was expected and what was found."""


class When(dict[str, tuple[str, ...]]):
    """Condition (key of `spec.CONDITIONS`) → the words under which something exists; empty for always."""

    @classmethod
    def read(cls, text: str) -> When:
        """`gaussian conv` by condition. Raises Misread for a word that no condition has."""
        conditions = cls()
        for word in text.split():
            if word not in WORDS:
                raise Misread(f"expected words out of {', '.join(WORDS)}; found {word!r}")
            conditions[WORDS[word]] = (*conditions.get(WORDS[word], ()), word)
        return conditions


class AxisNames(tuple[str, ...]):
    """Axes by name, outermost first."""

    __slots__ = ()

    @classmethod
    def read(cls, text: str) -> AxisNames:
        """`batch latent` as names; none for an empty text. Raises Misread for anything but simple axes."""
        try:
            axes = parse_axes(text) if text else ()
        except ValueError:
            raise Misread(f"expected axes by name, such as 'batch latent'; found {text!r}") from None
        if any(len(axis) != 1 for axis in axes):
            raise Misread(f"expected simple axes without parentheses; found {text!r}")
        return cls(axis[0] for axis in axes)


def typewriter(code: str) -> str:
    """A code name in TeX's typewriter letters."""
    escaped = code.replace("_", r"\_")
    return rf"\mathtt{{{escaped}}}"
