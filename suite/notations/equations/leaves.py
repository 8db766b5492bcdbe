"""The leaves of formulas: printed symbols, with the numbers for which they stand."""

from __future__ import annotations

from dataclasses import dataclass

from ...reference.node import Node
from ..constants import Constant
from .expressions import Expression
from .tex_letters import level_of
from .values import Values


@dataclass(frozen=True)
class Leaf(Expression):
    """A printed symbol; its TeX may still be a formula.

    Attributes:
        printed: the TeX.
        role: which quantity it is, for messages.
    """

    printed: str
    role: str

    @property
    def tex(self) -> str:
        return self.printed

    @property
    def level(self) -> int:  # type: ignore[override]
        return level_of(self.printed)


@dataclass(frozen=True)
class Density(Leaf):
    """A density or probability at x and z."""

    def value(self, at: Values) -> Node:
        return self.log_value(at).exp()

    def log_value(self, at: Values) -> Node:
        return at.log_density(self.role)


@dataclass(frozen=True)
class Quantity(Leaf):
    """A term or a bound, as the source has it: with its sign, and without the constants that it drops."""

    sign: int = 1
    dropped: tuple[Constant, ...] = ()
    estimate: bool = False

    def value(self, at: Values) -> Node:
        return self.sign * (at.quantity(self.role, estimate=self.estimate) - at.constants(self.dropped))


@dataclass(frozen=True)
class Objective(Leaf):
    """The published objective of a batch."""

    estimate: bool = False

    def value(self, at: Values) -> Node:
        return at.objective(estimate=self.estimate)


@dataclass(frozen=True)
class Vector(Leaf):
    """A canonical tensor: x, z, ε, a mean, or one kind of a scale."""

    def value(self, at: Values) -> Node:
        return at.points[self.role]


@dataclass(frozen=True)
class Size(Leaf):
    """A constant of the model or of the data."""

    def value(self, at: Values) -> Node:
        return at.size(self.role)


@dataclass(frozen=True)
class Number(Leaf):
    """A number that is printed as it is, `2\\pi`."""

    number: float = 0.0

    def value(self, at: Values) -> Node:
        return at.number(self.number)


def number(count: int) -> Number:
    """A whole number."""
    return Number(str(count), "number", float(count))
