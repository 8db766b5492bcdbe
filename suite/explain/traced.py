"""Which expression does a schedule compute from its step? Traced numbers record the arithmetic that is done with them.

An argument that is no tensor is passed as a traced number. Each expression computed from it in Python is recorded, with
each comparison on the way. The expressions are hypotheses: the measured coefficients decide which one holds.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

_BINARY: dict[str, tuple[str, int]] = {
    "add": ("+", 1),
    "sub": ("-", 1),
    "mul": ("*", 2),
    "truediv": ("/", 2),
    "floordiv": ("//", 2),
    "mod": ("%", 2),
    "pow": ("**", 4),
}
_FUNCTIONS = ("exp", "log", "sqrt", "tanh", "cos", "sin")
"""Functions of `math` and ufuncs of NumPy that are recorded."""
_COMPARED = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}


@dataclass
class Trace:
    """What one call computed from its numbers.

    Attributes:
        made: expressions and their values, in the order of their computation.
        path: comparisons and their results, in order.
    """

    made: list[tuple[str, float]] = field(default_factory=list)
    path: list[tuple[str, bool]] = field(default_factory=list)

    def number(self, name: str, value: float) -> Any:
        """An argument as a traced number, under its name."""
        return self.noted(value, name, 9)

    def noted(self, value: Any, text: str, rank: int) -> Any:
        """A computed value as a traced number; `rank` is the precedence of the text's outermost operator."""
        made = (_Int if isinstance(value, int) else _Float)(value)
        made.text, made.rank, made.trace = text, rank, self
        self.made.append((text, float(value)))
        return made


class _Traced:
    """The common part of traced floats and ints."""

    text: str
    rank: int
    trace: Trace

    __hash__ = None  # type: ignore[assignment]  # replaced below

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        plain = [_plain(value) if isinstance(value, _Traced) else value for value in inputs]
        found = getattr(ufunc, method)(*plain, **options)
        noted = ufunc.__name__ in _FUNCTIONS and method == "__call__" and not options
        return self.trace.noted(float(found), f"{ufunc.__name__}({self.text})", 9) if noted else found

    def __neg__(self) -> Any:
        return self.trace.noted(-_plain(self), f"-{_in(self, 3)}", 3)

    def __bool__(self) -> bool:
        self.trace.path.append((f"{self.text} != 0", bool(_plain(self))))
        return bool(_plain(self))


class _Float(_Traced, float):
    __hash__ = float.__hash__  # type: ignore[assignment]


class _Int(_Traced, int):
    __hash__ = int.__hash__  # type: ignore[assignment]


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, int) else float(value)


def _in(value: Any, rank: int) -> str:
    """The text of an operand, with brackets if its operator binds less than `rank`."""
    text, own = (
        (value.text, value.rank) if isinstance(value, _Traced) else ("pi" if value == math.pi else repr(value), 9)
    )
    return f"({text})" if own < rank or (text.startswith("-") and rank > 1) else text


@contextmanager
def functions_noted(namespace: MutableMapping[str, Any]) -> Iterator[None]:
    """Replace functions of `math` by ones that trace, in `math` and under their names in a namespace."""
    plain = {name: getattr(math, name) for name in _FUNCTIONS}
    own = {key: name for key, value in namespace.items() for name, one in plain.items() if value is one}

    def noting(name: str) -> Callable[[Any], Any]:
        def function(value: Any) -> Any:
            if not isinstance(value, _Traced):
                return plain[name](value)
            return value.trace.noted(plain[name](_plain(value)), f"{name}({value.text})", 9)

        return function

    noted = {name: noting(name) for name in _FUNCTIONS}
    try:
        for name, function in noted.items():
            setattr(math, name, function)
        namespace.update({key: noted[name] for key, name in own.items()})
        yield
    finally:
        for name, function in plain.items():
            setattr(math, name, function)
        namespace.update({key: plain[name] for key, name in own.items()})


def _binary(name: str, sign: str, rank: int, swapped: bool) -> Callable[[Any, Any], Any]:
    apply = getattr(operator, name)

    def method(self: Any, other: Any) -> Any:
        if not isinstance(other, int | float) or isinstance(other, bool):
            return NotImplemented
        left, right = (other, self) if swapped else (self, other)
        value = apply(_plain(left), _plain(right))
        if isinstance(value, complex):
            return value
        return self.trace.noted(value, f"{_in(left, rank)}{sign}{_in(right, rank + 1)}", rank)

    return method


def _comparison(name: str, sign: str) -> Callable[[Any, Any], Any]:
    apply = getattr(operator, name)

    def method(self: Any, other: Any) -> Any:
        if not isinstance(other, int | float) or isinstance(other, bool):
            return NotImplemented
        found = bool(apply(_plain(self), _plain(other)))
        self.trace.path.append((f"{_in(self, 1)} {sign} {_in(other, 1)}", found))
        return found

    return method


for _class in (_Float, _Int):
    for _name, (_sign, _rank) in _BINARY.items():
        setattr(_class, f"__{_name}__", _binary(_name, _sign, _rank, swapped=False))
        setattr(_class, f"__r{_name}__", _binary(_name, _sign, _rank, swapped=True))
    for _name, _sign in _COMPARED.items():
        setattr(_class, f"__{_name}__", _comparison(_name, _sign))
