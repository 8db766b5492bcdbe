"""Which expression is a measured number? Monomials in sizes and arguments, and sums of them, written as Python.

The two languages of formulas in `notations` do not fit here. `notations.formulas` only reads, and has none of the
comparisons, conditions, `min`, `max` and `//` of a schedule. `notations.equations.expressions` are densities of random
variables. A measured coefficient is a `Monomial`, which is multiplied, divided and solved for an argument.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations_with_replacement
from math import prod
from random import Random
from typing import Any

UNKNOWN = "not determined"
"""The text in place of an expression that is not known."""
EXACT = 1e-10
"""The relative deviation up to which a measured number is called by a simple number."""

_LARGEST_DENOMINATOR = 400
_IRRATIONAL = {
    "log(2*pi)": math.log(2 * math.pi),
    "log(2)": math.log(2),
    "log(pi)": math.log(math.pi),
    "log(1.5)": math.log(1.5),
    "pi": math.pi,
    "sqrt(2*pi)": math.sqrt(2 * math.pi),
    "sqrt(2)": math.sqrt(2),
}
_NAMES = {name: getattr(math, name) for name in ("log", "exp", "sqrt", "tanh", "cos", "sin", "pi")} | {
    "min": min,
    "max": max,
    "abs": abs,
}


def near(value: float, target: float, exact: float = EXACT) -> bool:
    """Whether a measured number is the target, up to a relative deviation of `exact`."""
    return abs(value - target) <= exact * max(abs(target), 1e-300)


def rational(value: float, exact: float = EXACT) -> Fraction | None:
    """The simple fraction or short decimal that a number is; None if there is none."""
    if value == 0 or not math.isfinite(value):
        return Fraction(0) if value == 0 else None
    for digits in (1, 2, 3):  # 0.00025 has two digits, 17.5 three
        short = Fraction(f"{value:.{digits}g}")
        if near(value, float(short), exact):
            return short
    inverse = Fraction(1) / Fraction(f"{1 / value:.3g}")
    if near(value, float(inverse), exact):
        return inverse
    simple = Fraction(value).limit_denominator(_LARGEST_DENOMINATOR)
    if simple and near(value, float(simple), exact):
        return simple
    if value == round(value) and abs(value) < 1e9:
        return Fraction(round(value))
    return None


@dataclass(frozen=True)
class Monomial:
    """number · Π name ** power.

    Attributes:
        number: the number.
        powers: name, or a longer expression, → exponent.
    """

    number: float
    powers: Mapping[str, Fraction] = field(default_factory=dict)

    def __str__(self) -> str:
        if self.number == 0:
            return "0"
        sign, top, bottom = "-" if self.number < 0 else "", *_number(abs(self.number))
        over, under = ([top] if top != "1" else []), ([bottom] if bottom != "1" else [])
        for name, power in self.powers.items():
            if power:
                side, size = (over if power > 0 else under), abs(power)
                shown = name if name.isidentifier() or name.isdigit() or _called(name) else f"({name})"
                side.append(
                    shown
                    if size == 1
                    else f"sqrt({name})"
                    if size == Fraction(1, 2)
                    else f"{shown}**({size})"
                    if size.denominator != 1
                    else f"{shown}**{size}"
                )
        above = "*".join(over) or "1"
        if not under:
            return sign + above
        return f"{sign}{above}/{under[0]}" if len(under) == 1 else f"{sign}{above}/({'*'.join(under)})"

    def over(self, other: Monomial) -> Monomial:
        """The quotient of this and another."""
        powers = dict(self.powers)
        for name, power in other.powers.items():
            powers[name] = powers.get(name, Fraction(0)) - power
        return Monomial(self.number / other.number, {name: power for name, power in powers.items() if power})

    def times(self, other: Monomial) -> Monomial:
        """The product of this and another."""
        return self.over(Monomial(1 / other.number, {name: -power for name, power in other.powers.items()}))

    def raised(self, power: Fraction) -> Monomial:
        """The given power of this."""
        return Monomial(self.number ** float(power), {name: own * power for name, own in self.powers.items()})

    def over_product(self, sizes: Iterable[int]) -> Monomial:
        """The monomial over two of these sizes, if that turns a number of more than three digits into ½, 1 or 2."""
        if not self.number or near(self.number, float(f"{self.number:.3g}")):
            return self
        for pair in combinations_with_replacement(sorted(sizes), 2):
            plain = self.number * prod(pair)
            if any(near(abs(plain), simple) for simple in (0.5, 1, 2)):
                return Monomial(plain, {**self.powers, **{str(n): Fraction(-pair.count(n)) for n in pair}})
        return self

    def value(self, names: Mapping[str, float]) -> float | None:
        """The value at these values of the names; None if one is missing."""
        return evaluate(str(self), names) if self.number else 0.0


def _called(name: str) -> bool:
    """Whether an expression is a single function call, which needs no brackets."""
    head, bracket, rest = name.partition("(")
    return head.isidentifier() and bool(bracket) and rest.find(")") == len(rest) - 1


def _number(value: float) -> tuple[str, str]:
    """A positive number as the texts of a numerator and a denominator."""
    plain = rational(value)
    if plain is not None:
        return _fraction(plain)
    for name, irrational in _IRRATIONAL.items():
        ratio = rational(value / irrational)
        if ratio is not None and ratio.denominator <= 64:
            top, bottom = _fraction(ratio)
            return (name if top == "1" else f"{top}*{name}"), bottom
    whole = round(1 / value)
    if 0 < whole < 1e7 and near(value, 1 / whole):
        return "1", str(whole)
    return next(text for digits in range(4, 18) if near(value, float(text := f"{value:.{digits}g}"), 1e-12)), "1"


def _fraction(value: Fraction) -> tuple[str, str]:
    short = f"{float(value):.4g}"
    if value.denominator not in (1, 2, 4) and value.numerator != 1 and Fraction(short) == value:
        return short, "1"
    if value.numerator == 1 and value.denominator in (10, 100, 1000):
        return short, "1"
    return str(value.numerator), str(value.denominator)


def evaluate(expression: str, names: Mapping[str, float]) -> float | None:
    """The value of an expression of this package; None if a name is missing or the value is undefined."""
    try:
        return float(eval(expression, {"__builtins__": {}}, {**_NAMES, **names}))
    except (NameError, ArithmeticError, ValueError, TypeError, SyntaxError):
        return None


def names_in(expression: str) -> set[str]:
    """The names in an expression without those of functions; empty for a text that is no Python."""
    try:
        return set(compile(expression, "", "eval").co_names) - set(_NAMES)
    except SyntaxError:
        return set()


def negative(expression: str) -> str:
    """The negative of an expression."""
    return f"-({expression})" if any(sign in expression for sign in "+- ") else f"-{expression}"


def total(parts: list[Monomial]) -> str:
    """The sum of monomials as text; "0" for none."""
    text = ""
    for part in parts:
        if part.number:
            shown = str(part)
            text += shown if not text else f" - {shown[1:]}" if shown.startswith("-") else f" + {shown}"
    return text or "0"


def monomial(text: str, known: Mapping[str, float]) -> str:
    """An expression as a monomial in the names without a known value if it is one, else unchanged."""
    names = sorted(names_in(text) - set(known))

    def at(point: Mapping[str, float]) -> float:
        value = evaluate(text, {**known, **point})
        return math.nan if value is None else value

    base = {name: 2.0 + 0.37 * place for place, name in enumerate(names)}
    value, powers = at(base), {}
    for name in names:
        ratio = at({**base, name: 2 * base[name]}) / value if value else math.nan
        power = math.log2(ratio) if ratio > 0 else math.nan
        if not math.isfinite(power) or (not near(2 * power, round(2 * power), 1e-9) and abs(power) > 1e-9):
            return text
        powers[name] = Fraction(round(2 * power), 2)
    number = value / prod(base[name] ** float(power) for name, power in powers.items())
    shown = str(Monomial(number, {name: power for name, power in powers.items() if power}))
    for seed in range(3):
        random = Random(seed)
        point: dict[str, Any] = {name: random.uniform(1.5, 9.0) for name in names}
        if not near(evaluate(shown, point) or 0.0, at(point), 1e-9):
            return text
    return shown


def power_of(expression: str, name: str) -> Fraction | None:
    """The p with which an expression is proportional to name**p at all values of the other names; else None."""
    names = sorted(names_in(expression))
    powers = set()
    for seed in range(12):  # values from 0.03 to 3,000 lie on both sides of a schedule's kinks
        random = Random(seed)
        point = {other: 10 ** random.uniform(-1.5, 3.5) for other in names}
        one, two = (evaluate(expression, {**point, name: times * point.get(name, 1.0)}) for times in (1, 2))
        ratio = two / one if one and two is not None else 0.0
        power = Fraction(round(2 * math.log2(ratio)), 2) if ratio > 0 else Fraction(0)
        powers.add(power if power and near(ratio, 2.0 ** float(power), 1e-9) else None)
    return powers.pop() if len(powers) == 1 else None
