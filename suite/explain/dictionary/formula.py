"""A formula of one element as a sum of atoms, so that an edit of it is an edit of one atom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Values = Mapping[str, Array]
"""Role → values; the roles are those of `bind.ROLES`."""


@dataclass(frozen=True)
class Atom:
    """One summand without its factor.

    Attributes:
        text: as it is written, with roles in braces.
        value: its value.
        wrong: what it becomes under an edit: name of the edit → its value then.
    """

    text: str
    value: Callable[[Values], Array]
    wrong: Mapping[str, Callable[[Values], Array]]


@dataclass(frozen=True)
class Formula:
    """Σ factor · atom + constant.

    Attributes:
        name: the contract's word.
        kind: scale kind, or None.
        roles: of the values that it takes.
        atoms: factor and atom.
        constant: what is added to the sum of atoms.
        detail: what distinguishes it from others of its name.
        dropped: a part that a normalised density has and this has not, as an expression per datum.
        text: the sum over all elements, with roles in braces.
    """

    name: str
    roles: tuple[str, ...]
    atoms: tuple[tuple[float, Atom], ...]
    constant: float = 0.0
    kind: str | None = None
    detail: str | None = None
    dropped: str | None = None
    text: str = ""

    def value(self, values: Values) -> Array:
        """The element, with the values' own shapes."""
        with np.errstate(all="ignore"):
            parts = [factor * atom.value(values) for factor, atom in self.atoms]
            return np.asarray(sum(parts[1:], parts[0]) + self.constant)

    def size(self, values: Values) -> float:
        """The sum of the magnitudes of its atoms, which rounding is relative to."""
        with np.errstate(all="ignore"):
            parts = [float(np.abs(factor * atom.value(values)).sum()) for factor, atom in self.atoms]
        return sum(parts) + abs(self.constant)
