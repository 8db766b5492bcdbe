"""What is a formula? A sum of atoms at one element; an edit of a formula changes one of its atoms or factors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Values = Mapping[str, Array]
"""Role → values; the roles are the keys of `glossary.ROLES`."""


@dataclass(frozen=True)
class Atom:
    """A summand of a formula, without its factor.

    Attributes:
        text: the expression, with roles in braces.
        value: values by role → the summand at each element.
        wrong: name of an edit → the edited summand, as a function of the values.
    """

    text: str
    value: Callable[[Values], Array]
    wrong: Mapping[str, Callable[[Values], Array]]


@dataclass(frozen=True)
class Formula:
    """Σ factor · atom + constant at one element, in nats.

    Attributes:
        name: the likelihood's or the KL's word in the JSON contract.
        roles: the roles whose values it takes.
        atoms: pairs of factor and atom.
        constant: the constant per element.
        kind: the scale kind that it reads; None without a scale.
        detail: the difference from other formulas of the same name.
        dropped: the part of a normalised density that it lacks, an expression in nats per datum.
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
        """The formula at each element; values are broadcast against each other."""
        with np.errstate(all="ignore"):
            parts = [factor * atom.value(values) for factor, atom in self.atoms]
            return np.asarray(sum(parts[1:], parts[0]) + self.constant)

    def size(self, values: Values) -> float:
        """The sum of the magnitudes of all summands, to which rounding errors are relative."""
        with np.errstate(all="ignore"):
            parts = [float(np.abs(factor * atom.value(values)).sum()) for factor, atom in self.atoms]
        return sum(parts) + abs(self.constant)
