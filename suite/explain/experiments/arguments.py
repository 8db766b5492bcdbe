"""Experiment 7, continued: how do the coefficients depend on the arguments that are numbers?"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from ..expressions import evaluate, names_in, near, rational
from ..glossary import is_time
from ..lab import Lab, LossFailed
from ..traced import Trace, functions_noted
from .branches import conditional, schedules, unbracketed
from .reductions import exponent

Point = dict[str, float]
_POWERS = (Fraction(2), Fraction(-1), Fraction(-2), Fraction(1, 2), Fraction(-1, 2))
_FLOATS = (0.25, 0.6, 1.7, 3.0)
_STEPS = (0, 1, 3, 10, 37, 150, 1499, 1500, 4000, 30000, 450000, 3000000)


@dataclass
class Dependences:
    """How the quantities `recon`, `kl`, `constant` and `threshold` depend on arguments.

    Attributes:
        powers: quantity → argument, or expression in arguments → exponent.
        undetermined: quantity → the arguments on which it depends in an unknown way.
        swept: argument → the values tried.
        flags: arguments at whose other values the loss has other formulas.
        sampled: quantity → pairs of argument values and its value there.
    """

    powers: dict[str, dict[str, Fraction]] = field(default_factory=dict)
    undetermined: dict[str, list[str]] = field(default_factory=dict)
    swept: dict[str, list[float]] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    sampled: dict[str, list[tuple[Point, float]]] = field(default_factory=dict)


def numeric(parameters: Mapping[str, Any]) -> list[str]:
    """The names of parameters that are numbers, and no truth values."""
    return [n for n, v in parameters.items() if isinstance(v, int | float) and not isinstance(v, bool)]


def dependences(lab: Lab, measure: Callable[[Lab], Mapping[str, float] | None]) -> Dependences:
    """Sweep each number alone, and find powers; search other dependences among the expressions that the loss computes.

    Args:
        lab: the loss at its first sizes and arguments.
        measure: lab → value by quantity; None if the loss has other formulas at the lab's arguments.
    """
    names, found = numeric(lab.parameters), Dependences()
    base = measure(lab)
    if base is None or not names:
        return found
    found.powers = {quantity: {} for quantity in base}
    rest: dict[str, set[str]] = {quantity: set() for quantity in base}
    points: list[tuple[Point, Mapping[str, float]]] = [(_numbers(lab), base)]
    for name in names:
        swept, strange = [], 0
        for value in _values(name, lab.parameters[name]):
            moved = lab.at(parameters={name: value})
            quantities = _tried(moved, measure)
            if quantities is None:
                strange += 1
                continue
            swept.append((value, quantities))
            points.append((_numbers(moved), quantities))
        found.swept[name] = sorted({float(value) for value, _ in swept} | {float(lab.parameters[name])})
        if strange and strange >= len(swept):
            found.flags.append(name)
            continue
        for quantity, at_base in base.items():
            _power(name, float(lab.parameters[name]), at_base, quantity, swept, found, rest)
    if any(rest.values()):
        points += _joint(lab, sorted(set().union(*rest.values())), found.swept, measure)
    for quantity, others in rest.items():
        if others:
            expression, power = _expression(lab, quantity, others, points)
            if expression is None:
                found.undetermined[quantity] = sorted(others)
            else:
                for name in numeric(lab.parameters):
                    if name in names_in(expression):
                        found.powers[quantity].pop(name, None)
                found.powers[quantity][expression] = power
        found.sampled[quantity] = [(point, values[quantity]) for point, values in points if quantity in values]
    return found


def _joint(
    lab: Lab, rest: list[str], swept: Mapping[str, list[float]], measure: Callable[[Lab], Mapping[str, float] | None]
) -> list[tuple[Point, Mapping[str, float]]]:
    """The quantities at 18 points where all numbers change together, drawn from their swept values.

    A step counter in `rest` is drawn from its small values and from its large ones in turn.
    """
    random, points = np.random.default_rng(11), []
    for place in range(18):
        changes: dict[str, Any] = {}
        for name in numeric(lab.parameters):
            choices = swept.get(name) or [float(lab.parameters[name])]
            if name in rest and is_time(name):
                choices = sorted(choices)[:: -1 if place % 2 else 1][: max(2, len(choices) // 2)]
            value = float(random.choice(choices))
            changes[name] = int(value) if isinstance(lab.parameters[name], int) else value
        moved = lab.at(parameters=changes)
        quantities = _tried(moved, measure)
        if quantities is not None:
            points.append((_numbers(moved), quantities))
    return points


def _numbers(lab: Lab) -> Point:
    """Argument that is a number → its value."""
    return {name: float(lab.parameters[name]) for name in numeric(lab.parameters)}


def _values(name: str, default: Any) -> list[Any]:
    """The values that a number is swept over."""
    if is_time(name):
        return [value for value in _STEPS if value != default]
    if isinstance(default, int) and default >= 10:
        return [max(1, round(default * factor)) for factor in (0.3, 0.5, 2, 3)]
    if isinstance(default, int) and not isinstance(default, bool):
        return [value for value in (1, 2, 3, 5) if value != default]
    scale = abs(default) if default > 100 or 0 < abs(default) < 0.01 else 1.0
    return [scale * value for value in _FLOATS if scale * value != default]


def _tried(lab: Lab, measure: Callable[[Lab], Mapping[str, float] | None]) -> Mapping[str, float] | None:
    """The quantities; None if the loss fails, or has other formulas."""
    try:
        return measure(lab)
    except LossFailed:
        return None


def _power(
    name: str,
    default: float,
    at_base: float,
    quantity: str,
    swept: list[tuple[Any, Mapping[str, float]]],
    found: Dependences,
    rest: dict[str, set[str]],
) -> None:
    """Note the power of one number in a quantity; an unknown dependence is noted in `rest`."""
    seen = [(float(value), quantities[quantity]) for value, quantities in swept if quantity in quantities]
    seen = [(v, q) for v, q in seen if math.isfinite(q)] + [(default, at_base)]
    reach = max(abs(q) for _, q in seen) or 1.0
    if all(abs(q - at_base) <= 1e-9 * reach for _, q in seen):
        return
    positive = [(v, q) for v, q in seen if v > 0 and q]
    if len(positive) < 3 or any(v == 0 and abs(q) > 1e-9 * reach for v, q in seen):
        rest[quantity].add(name)
        return
    (v0, q0), *others = positive
    powers = {exponent(q / q0, v / v0) for v, q in others if v != v0}
    power = powers.pop() if len(powers) == 1 else None
    if power is None:
        rest[quantity].add(name)
    else:
        found.powers[quantity][name] = power


def _expression(
    lab: Lab, quantity: str, names: set[str], points: list[tuple[Point, Mapping[str, float]]]
) -> tuple[str | None, Fraction]:
    """An expression and the power of it to which a quantity is proportional at all points; None if none is found."""
    known = [(p, q[quantity], _trace(lab, p)) for p, q in points if quantity in q and math.isfinite(q[quantity])]
    texts = {text for _, _, trace in known for text, _ in trace.made if names & names_in(text)}
    capped = {f"min({one}, {cap})" for one in texts for cap in numeric(lab.parameters) if cap not in names}
    guesses = sorted(texts | capped | set(schedules(names, numeric(lab.parameters))), key=len)
    leaves = sorted({text for _, _, trace in known for text, _ in trace.made} | set(guesses), key=len)
    for text in guesses:
        if _scale(text, known) is not None:
            return unbracketed(text), Fraction(1)
    for text in (text for text in guesses if "(" in text):
        for power in _POWERS:
            if _scale(f"({text})**({power})", known) is not None:
                return unbracketed(text), power
    compared = {side for _, _, trace in known for condition, _ in trace.path for side in condition.split(" ")}
    for text in sorted(guesses, key=lambda text: text not in compared):  # a branch gives the factor of all branches
        branch = [one for one in known if any(made == text for made, _ in one[2].made)]
        deepest = max((len(trace.path) for _, _, trace in branch), default=0)
        for prefix in dict.fromkeys(tuple(one[2].path[:d]) for d in range(1, deepest + 1) for one in branch):
            part = [one for one in branch if tuple(one[2].path[: len(prefix)]) == prefix]
            scale = _scale(text, part) if len({q for _, q, _ in part}) > 2 else None
            if scale:
                tree = _tree([(p, q / scale, t) for p, q, t in known], leaves, 0)
                if tree is not None:
                    return unbracketed(tree), Fraction(1)
    return None, Fraction(1)


def _trace(lab: Lab, point: Point) -> Trace:
    """The trace of a call: of floats if the loss takes them, since Python computes `0.1 * step` untraced for an int."""
    own = {n: int(value) if isinstance(lab.parameters[n], int) else value for n, value in point.items()}
    traces = [_traced(lab, numbers) for numbers in (point, own)]
    return max(traces, key=lambda trace: len(trace.made))


def _traced(lab: Lab, numbers: Point) -> Trace:
    """The trace of a call with these numbers; empty if the loss fails."""
    trace = Trace()
    moved = lab.at(parameters={name: trace.number(name, value) for name, value in numbers.items()})
    function = inspect.unwrap(getattr(lab.loss, "function", _trace))
    try:
        with functions_noted(getattr(function, "__globals__", {})):
            moved.value(moved.draw(1))
    except LossFailed:
        return Trace()
    return trace


def _scale(text: str, known: list[tuple[Point, float, Trace]]) -> float | None:
    """The ratio of a quantity to an expression if it is the same at all points; else None."""
    pairs = [(evaluate(text, point), value) for point, value, _ in known]
    if any(e is None for e, _ in pairs):
        return None
    reach = max((abs(value) for _, value in pairs), default=0.0)
    if sum(bool(e) for e, _ in pairs) < 2 or any(not e and abs(value) > 1e-9 * reach for e, value in pairs):
        return None
    largest, at_largest = max(((e, value) for e, value in pairs if e is not None), key=lambda pair: abs(pair[0]))
    scale = at_largest / largest
    same = all(abs(value - scale * (e or 0.0)) <= 1e-8 * abs(value) + 1e-12 * reach for e, value in pairs)
    return scale if scale and same else None


def _tree(known: list[tuple[Point, float, Trace]], guesses: list[str], depth: int) -> str | None:
    """A nested conditional expression that gives a quantity at all points; None if none is found.

    Args:
        known: points, values of the quantity, and traces of the calls.
        guesses: expressions that may be leaves.
        depth: the first comparison of the traces that may be a condition.
    """
    values = [value for _, value, _ in known]
    if all(near(value, values[0], 1e-8) or value == values[0] for value in values):
        for text in guesses:
            if len(set(values)) > 1 and all(near(v, evaluate(text, p) or 0.0, 1e-8) for p, v, _ in known):
                return text
        # A constant value may equal an expression of an argument: the expression is taken if the loss computes it.
        computed = set.intersection(*({text for text, _ in trace.made} for _, _, trace in known))
        for text in sorted(computed, key=len):
            if not text.isidentifier() and all(near(v, evaluate(text, p) or 0.0, 1e-8) for p, v, _ in known):
                return text
        plain = rational(values[0], 1e-9)
        return f"{float(plain):.12g}" if plain is not None else f"{values[0]:.12g}"
    for text in guesses:
        if all(near(v, e, 1e-8) or v == e for p, v, _ in known if (e := evaluate(text, p)) is not None) and all(
            evaluate(text, p) is not None for p, _, _ in known
        ):
            return text
    paths = [trace.path for _, _, trace in known]
    for place in range(depth, min(map(len, paths), default=0)):
        conditions = {path[place][0] for path in paths}
        results = {path[place][1] for path in paths}
        if len(conditions) == 1 and len(results) == 2:
            condition = conditions.pop()
            sides = [
                _tree([one for one in known if one[2].path[place][1] is side], guesses, place + 1)
                for side in (True, False)
            ]
            if sides[0] is None or sides[1] is None:
                return None
            return conditional(condition, sides[0], sides[1])
        if len(conditions) > 1:
            break
    return None
