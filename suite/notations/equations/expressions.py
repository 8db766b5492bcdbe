"""Formulas as trees, which both print TeX and compute values from the same nodes.

A leaf (`leaves`) has the TeX that a source prints and reads its number from `values.Values`; here are the operations of
arithmetic, in `calculus` sums, expectations, integrals and gradients.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import reduce
from operator import add, mul
from typing import Any, ClassVar

from ...reference.node import Node
from .tex_letters import powered
from .values import Values

#: How tightly the outermost operation of a formula binds: of a sum; of a product or an operator; of a symbol.
SUM, PRODUCT, ATOM = 0, 1, 2


def in_parentheses(tex: str) -> str:
    """In parentheses that are as high as what is in them."""
    high = any(command in tex for command in (r"\frac", r"\sum", r"\int", r"\left"))
    return rf"\left({tex}\right)" if high else f"({tex})"


@dataclass(frozen=True)
class Expression(ABC):
    """A formula.

    Attributes:
        level: SUM, PRODUCT or ATOM.
    """

    level: ClassVar[int] = ATOM

    @property
    @abstractmethod
    def tex(self) -> str:
        """The formula as TeX."""

    @abstractmethod
    def value(self, at: Values) -> Node:
        """Its number: [draw, datum] or, where no draw enters, [datum]; vectors have their components last."""

    def log_value(self, at: Values) -> Node:
        """The logarithm of its number: densities are multiplied, divided and added up by it."""
        return self.value(at).log()

    @property
    def parts(self) -> list[Expression]:
        """The expressions of which it is made, in the order of its fields."""
        return _expressions([getattr(self, field.name) for field in fields(self)])

    def within(self, level: int) -> str:
        """As an operand of an operation that binds this tightly: in parentheses where it binds less."""
        return self.tex if self.level >= level else in_parentheses(self.tex)


def _expressions(values: Sequence[Any]) -> list[Expression]:
    """The expressions among some values and in the tuples among them."""
    nested = (_expressions(v) if isinstance(v, tuple) else [v] if isinstance(v, Expression) else [] for v in values)
    return [part for parts in nested for part in parts]


@dataclass(frozen=True)
class Sum(Expression):
    """A sum of terms, each with its sign."""

    terms: tuple[tuple[int, Expression], ...]
    level = SUM

    @property
    def tex(self) -> str:
        written = ""
        for sign, term in self.terms:
            operator = "-" if sign < 0 else "+" if written else ""
            text = term.within(PRODUCT if sign < 0 else SUM)
            text = in_parentheses(text) if operator and text.startswith("-") else text
            written += f" {operator} {text}" if written else operator + text
        return written

    def value(self, at: Values) -> Node:
        return reduce(add, [term.value(at) if sign > 0 else -term.value(at) for sign, term in self.terms])


def plus(*terms: Expression) -> Expression:
    return Sum(tuple((1, term) for term in terms))


def minus(first: Expression, *others: Expression) -> Expression:
    return Sum(((1, first), *((-1, term) for term in others)))


def negative(body: Expression) -> Sum:
    return Sum(((-1, body),))


@dataclass(frozen=True)
class Product(Expression):
    """Factors side by side, or with a sign between them."""

    factors: tuple[Expression, ...]
    sign: str = " "
    level = PRODUCT

    @property
    def tex(self) -> str:
        return self.sign.join(factor.within(PRODUCT) for factor in self.factors)

    def value(self, at: Values) -> Node:
        return reduce(mul, [factor.value(at) for factor in self.factors])

    def log_value(self, at: Values) -> Node:
        return reduce(add, [factor.log_value(at) for factor in self.factors])


def times(*factors: Expression, sign: str = " ") -> Product:
    return Product(factors, sign)


@dataclass(frozen=True)
class Fraction(Expression):
    """a/b, of a positive b."""

    over: Expression
    under: Expression
    level = PRODUCT

    @property
    def tex(self) -> str:
        return rf"\frac{{{self.over.tex}}}{{{self.under.tex}}}"

    def value(self, at: Values) -> Node:
        return self.over.value(at) * (-self.under.log_value(at)).exp()

    def log_value(self, at: Values) -> Node:
        return self.over.log_value(at) - self.under.log_value(at)


@dataclass(frozen=True)
class Power(Expression):
    """A power: the square, or one of a positive base."""

    base: Expression
    exponent: str
    level = ATOM

    @property
    def tex(self) -> str:
        return powered(self.base.within(ATOM), self.exponent)

    def value(self, at: Values) -> Node:
        if self.exponent == "2":
            return self.base.value(at) ** 2
        return self.log_value(at).exp()

    def log_value(self, at: Values) -> Node:
        factor = {"2": 2.0, "1/2": 0.5, "-1": -1.0, "-1/2": -0.5}[self.exponent]
        return factor * self.base.log_value(at)


@dataclass(frozen=True)
class Exponential(Expression):
    """e^a."""

    body: Expression
    level = ATOM

    @property
    def tex(self) -> str:
        return f"e^{{{self.body.tex}}}"

    def value(self, at: Values) -> Node:
        return self.body.value(at).exp()

    def log_value(self, at: Values) -> Node:
        return self.body.value(at)


@dataclass(frozen=True)
class Log(Expression):
    """log a.

    Attributes:
        operator: `\\log` or `\\ln`, with `[` where the source brackets the argument.
    """

    body: Expression
    operator: str
    level = PRODUCT

    @property
    def tex(self) -> str:
        name = self.operator.removesuffix("[")
        if self.operator.endswith("["):
            return rf"{name}\left[{self.body.tex}\right]" if "frac" in self.body.tex else f"{name}[{self.body.tex}]"
        return f"{name} {self.body.within(PRODUCT)}"

    def value(self, at: Values) -> Node:
        return self.body.log_value(at)


def nodes(expression: Expression) -> list[Expression]:
    """The expression and all of its parts."""
    return [expression, *(node for part in expression.parts for node in nodes(part))]
