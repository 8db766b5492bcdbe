"""Formulas of a misprint: arithmetic in the codes of a notation, read from a text, evaluated on arrays."""

from __future__ import annotations

import ast
import operator
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..reference.errors import BadInput

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


@dataclass(frozen=True)
class Formula:
    """Arithmetic in the codes of a notation.

    Attributes:
        text: the formula as it is written.
        tree: its syntax tree.
    """

    text: str
    tree: ast.expr = field(compare=False)

    @property
    def codes(self) -> frozenset[str]:
        """The codes whose values it needs."""
        return frozenset(_codes(self.tree))

    def value(self, values: Mapping[str, Any]) -> Array:
        """Its value; NaN or infinite where its arithmetic is.

        Args:
            values: code → array; draws first, latents last.

        Raises:
            ValueError: the arrays do not fit each other, or numbers alone have no value.
        """
        try:
            with np.errstate(all="ignore"):
                return np.asarray(_value(self.tree, values))
        except ArithmeticError as error:  # of numbers alone: Python's raise where NumPy's are infinite
            raise ValueError(f"{self.text!r} has no value: {error}") from None


def formula(text: str, where: str) -> Formula:
    """A text as a formula. Raises BadInput for anything but arithmetic in names."""
    if len(text) > MOST_LETTERS:
        raise BadInput(f"{where}: expected a formula of at most {MOST_LETTERS} letters; found {len(text)}")
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise BadInput(f"{where}: expected a formula, such as 'μ * ε + σ2'; found {text!r} ({error.msg})") from None
    for node in _nodes(tree):
        if not _known(node):
            found = ast.unparse(node)
            raise BadInput(f"{where}: expected + - * / **, numbers, codes, {', '.join(FUNCTIONS)}; found {found!r}")
    return Formula(text, tree)


def _nodes(node: ast.expr) -> Iterator[ast.expr]:
    """A formula and its parts; a code with dots is one part."""
    yield node
    parts: list[ast.expr] = []
    if isinstance(node, ast.BinOp):
        parts = [node.left, node.right]
    elif isinstance(node, ast.UnaryOp):
        parts = [node.operand]
    elif isinstance(node, ast.Call):
        parts = node.args
    for part in parts:
        yield from _nodes(part)


def _known(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=int() | float() as number):
            return not isinstance(number, bool) and number <= sys.float_info.max
        case ast.BinOp(op=op):
            return type(op) in OPERATORS
        case ast.UnaryOp(op=ast.USub()):
            return True
        case ast.Call(func=ast.Name(id=name), args=[_], keywords=[]):
            return name in FUNCTIONS
    return _code(node) is not None


def _code(node: ast.expr) -> str | None:
    """The code that a name or a dotted name is; None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (owner := _code(node.value)) is not None:
        return f"{owner}.{node.attr}"
    return None


def _codes(tree: ast.expr) -> Iterator[str]:
    for node in _nodes(tree):
        if (code := _code(node)) is not None and code not in NUMBERS:
            yield code


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)  # of whole numbers 9**9**9 would never end
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATORS[type(op)](_value(left, values), _value(right, values))
        case ast.UnaryOp(operand=operand):
            return -_value(operand, values)
        case ast.Call(func=ast.Name(id=name), args=[argument]):
            return FUNCTIONS[name](_value(argument, values))
    code = str(_code(node))
    return NUMBERS[code] if code in NUMBERS else values[code]
