"""Fields that several tables of notation.toml share: axes by name, conditions, TeX of a code name."""

from __future__ import annotations

from ..reference.errors import BadInput
from .axes import parse_axes
from .notation import When
from .schema import WORDS


def typewriter(code: str) -> str:
    """A code name in TeX's typewriter letters."""
    escaped = code.replace("_", r"\_")
    return rf"\mathtt{{{escaped}}}"


def axis_names(text: str, where: str) -> tuple[str, ...]:
    """`batch latent` as names; () for an empty text. Raises BadInput for anything but simple axes."""
    if not text:
        return ()
    try:
        axes = parse_axes(text)
    except ValueError:
        raise BadInput(f"{where}: expected axes by name, such as 'batch latent'; found {text!r}") from None
    if any(len(axis) != 1 for axis in axes):
        raise BadInput(f"{where}: expected simple axes without parentheses; found {text!r}")
    return tuple(axis[0] for axis in axes)


def when(text: str, where: str) -> When:
    """`gaussian conv` as condition → words. Raises BadInput for a word that no condition has."""
    conditions: dict[str, tuple[str, ...]] = {}
    for word in text.split():
        if word not in WORDS:
            raise BadInput(f"{where}.when: expected words out of {', '.join(WORDS)}; found {word!r}")
        conditions[WORDS[word]] = (*conditions.get(WORDS[word], ()), word)
    return conditions
