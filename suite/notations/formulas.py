"""Formulas of a misprint: arithmetic in the codes of a notation, read from a text, evaluated on arrays."""

from __future__ import annotations

import ast
import operator
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .fields import Misread

Array = NDArray[np.floating]

OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "exp": np.exp,
    "log": np.log,
    "sum": lambda array: np.sum(array, axis=-1),
    "mean": lambda array: np.mean(array, axis=0),
}
NUMBERS = {"pi": np.pi}
MOST_LETTERS = 400
"""The most characters of a formula, which bound the depth of its operations."""


Compute = Callable[[Mapping[str, Any]], Any]


class Formula(str):
    """Arithmetic in the codes of a notation, as it is written.

    Attributes:
        codes: the codes whose values it needs.
    """

    codes: frozenset[str]
    _compute: Compute

    @classmethod
    def read(cls, text: str) -> Formula:
        """A text as a formula. Raises Misread for anything but arithmetic in names."""
        if len(text) > MOST_LETTERS:
            raise Misread(f"expected a formula of at most {MOST_LETTERS} letters; found {len(text)}")
        try:
            tree = ast.parse(text, mode="eval").body
        except SyntaxError as error:
            raise Misread(f"expected a formula, such as 'μ * ε + σ2'; found {text!r} ({error.msg})") from None
        formula, codes = cls(text), set[str]()
        formula._compute = _compiled(tree, codes)
        formula.codes = frozenset(codes)
        return formula

    def value(self, values: Mapping[str, Any]) -> Array:
        """Its value; NaN or infinite where its arithmetic is.

        Args:
            values: code → array; draws first, latents last.

        Raises:
            ValueError: the arrays do not fit each other, or numbers alone have no value.
        """
        try:
            with np.errstate(all="ignore"):
                return np.asarray(self._compute(values))
        except ArithmeticError as error:  # of numbers alone: Python's raise where NumPy's are infinite
            raise ValueError(f"{str(self)!r} has no value: {error}") from None


def _compiled(node: ast.expr, codes: set[str]) -> Compute:
    """The function that a syntax tree stands for; the codes in it are added to `codes`. Raises Misread as above."""
    match node:
        case ast.Constant(value=int() | float() as number) if type(number) is not bool and number <= sys.float_info.max:
            constant = float(number)  # of whole numbers 9**9**9 would never end
            return lambda _: constant
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            binary, one, other = OPERATORS[type(op)], _compiled(left, codes), _compiled(right, codes)
            return lambda values: binary(one(values), other(values))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            positive = _compiled(operand, codes)
            return lambda values: -positive(values)
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
            function, inner = FUNCTIONS[name], _compiled(argument, codes)
            return lambda values: function(inner(values))
    code = _code(node)
    if code is None:
        found = ast.unparse(node)
        raise Misread(f"expected + - * / **, numbers, codes, {', '.join(FUNCTIONS)}; found {found!r}")
    if code in NUMBERS:
        return lambda _: NUMBERS[code]
    codes.add(code)
    return lambda values: values[code]


def _code(node: ast.expr) -> str | None:
    """The code that a name or a dotted name is; None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (owner := _code(node.value)) is not None:
        return f"{owner}.{node.attr}"
    return None
