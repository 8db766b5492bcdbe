"""Every equation of every notation is executed: both sides are computed from the values of its symbols.

What draws of z decide is computed of several latents at given draws, what they do not at one latent by quadrature
(`notations.values`). The sides must agree within the tolerance of `reference.tolerance`, measured on them: K times what
rounding makes of either. `≃` holds where the expectation over draws agrees and the given draws do not. That a symbol is
what its notation.toml says is executed on the notation's own code (`judge.symbols`); here equations are computed of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ...notations.equations import Equation
from ...notations.equations.calculus import Expected, ExpectedGradient, Gradient, Integral, OverData, OverDraws
from ...notations.equations.expressions import Expression, Fraction, Product, nodes
from ...notations.equations.leaves import Density, Quantity
from ...notations.equations.templates import EQUAL
from ...notations.equations.values import Miscounted, Values, values_of
from ...notations.models import COUNT, LATENT, small_model, small_problem
from ...notations.notation import Notation
from ...reference.arithmetic import Arithmetic, Array, Exact
from ...reference.node import Node
from ...reference.oracle import noise_scale_of
from ...reference.problem import Problem
from ...reference.tape import Tape
from ...reference.tolerance import K

Row = dict[str, str | None]
DTYPE = "float64"


@dataclass(frozen=True)
class Executed:
    """One relation of an equation, executed.

    Attributes:
        relation: `=` or `\\simeq`.
        deviation: the largest difference of its sides; of `≃` in expectation.
        tolerance: how large it may be.
        of_draws: of `≃`, the largest difference at the given draws.
        refused: why the relation could not be computed, or says less than holds; None where neither is so.
    """

    relation: str
    deviation: float
    tolerance: float
    of_draws: float | None = None
    refused: str | None = None

    @property
    def holds(self) -> bool:
        return self.refused is None and self.deviation <= self.tolerance

    def describe(self) -> str:
        """One line."""
        if self.refused is not None:
            return self.refused
        in_expectation = "≃, its mean over draws replaced by the expectation,"
        sign = "=" if self.relation == EQUAL else in_expectation if self.of_draws else "≃, at the same draws,"
        return f"the sides of {sign} differ by {self.deviation:.2g}; rounding explains {self.tolerance:.2g}"

    def as_json(self) -> dict[str, Any]:
        """The form of a relation in `symbols --equations --json`; a relation that was refused has no numbers."""
        numbers = {"deviation": self.deviation, "tolerance": self.tolerance} if self.refused is None else {}
        return {"relation": self.relation, "holds": self.holds, **numbers, "refused": self.refused}


def execute(notation: Notation, equation: Equation) -> list[Executed]:
    """Each relation of an equation, from left to right."""
    same_draws = any(isinstance(node, OverData) for node in _nodes(equation))
    latents = LATENT if same_draws or not _needs_quadrature(equation) else 1
    problem = small_problem(small_model(equation.words, notation.supports, latents=latents), "formulas")
    sides = partial(_sides, notation, equation, problem)
    try:
        exact = {name: side[0] for name, side in sides(Exact()).items()}
        scales = noise_scale_of(problem, sides, DTYPE, numbers=max(side.size for side in exact.values()) * LATENT)
        return list(_relations(equation, exact, scales, same_draws=same_draws))
    except Miscounted as error:
        return _refused(equation, str(error))
    except ValueError as error:  # sizes that do not fit, or a constant that the model has not
        return _refused(equation, f"cannot be computed: {error}")


def failures(notation: Notation, equation: Equation, executed: Iterable[Executed]) -> list[Row]:
    """A row of claims for each relation that does not hold."""
    return [
        {
            "notation": notation.id,
            "symbol": f"equation {equation.name}",
            "field": relation.relation,
            "backend": "the definition",
            "verdict": "differs",
            "claimed": equation.latex,
            "found": relation.describe(),
        }
        for relation in executed
        if not relation.holds
    ]


def _refused(equation: Equation, reason: str) -> list[Executed]:
    return [Executed(relation, np.inf, 0.0, refused=reason) for relation in equation.relations]


def _relations(
    equation: Equation, exact: dict[str, Array], scales: dict[str, float], *, same_draws: bool
) -> Iterator[Executed]:
    for i, relation in enumerate(equation.relations):
        given = _difference(exact, f"given {i}", f"given {i + 1}")
        tolerance = K * (scales[f"given {i}"] + scales[f"given {i + 1}"])
        if relation == EQUAL or same_draws:
            drawn = [_draws_enter(side) for side in equation.sides[i : i + 2]]
            refused = None
            if relation == EQUAL and not same_draws and drawn[0] is not drawn[1]:
                refused = "an estimate is said to equal what no draw enters"
            yield Executed(relation, given, tolerance, refused=refused)
            continue
        deviation = _difference(exact, f"expected {i}", f"expected {i + 1}")
        allowed = K * (scales[f"expected {i}"] + scales[f"expected {i + 1}"])
        refused = None if given > tolerance else "both sides are equal at the given draws, where ≃ is printed"
        yield Executed(relation, deviation, allowed, given, refused)


def _draws_enter(side: Expression) -> bool:
    """Whether a side depends on draws that are averaged, outside of any expectation over them."""
    if isinstance(side, Expected):
        return False
    own = isinstance(side, OverDraws) or getattr(side, "estimate", False)
    return own or any(_draws_enter(part) for part in side.parts)


def _difference(exact: dict[str, Array], left: str, right: str) -> float:
    return float(np.abs(exact[left] - exact[right]).max())


def _sides(notation: Notation, equation: Equation, problem: Problem, arithmetic: Arithmetic) -> dict[str, Array]:
    """Each side at the given draws and, where ≃ is printed, in expectation over draws: [run, ...]."""
    gradients = any(isinstance(node, Gradient | ExpectedGradient) for node in _nodes(equation))
    tape = Tape(arithmetic)
    given = values_of(problem, tape, notation.objective, COUNT, gradients=gradients)
    found = {f"given {i}": _value(side, given).value for i, side in enumerate(equation.sides)}
    if given.quadrature is not None and any(relation != EQUAL for relation in equation.relations):
        expected = replace(given, in_expectation=True)
        found |= {f"expected {i}": _value(side, expected).value for i, side in enumerate(equation.sides)}
    return found


def _value(side: Expression, at: Values) -> Node:
    """The number of a side; for a density its logarithm, which neither overflows nor underflows."""
    if any(isinstance(node, Density) for node in _factors(side)):
        return side.log_value(at)
    return side.value(at)


def _factors(side: Expression) -> list[Expression]:
    """The side and the factors that it multiplies, divides or integrates; a side with a density among them is one."""
    parts = side.parts if isinstance(side, Product | Fraction | Integral) else ()
    return [side, *(factor for part in parts for factor in _factors(part))]


def _needs_quadrature(equation: Equation) -> bool:
    """Whether draws at several latents do not decide the equation."""
    return any(
        isinstance(node, Expected | ExpectedGradient | Gradient | Integral)
        or (isinstance(node, Density) and node.role in ("marginal", "posterior"))
        or (isinstance(node, Quantity) and node.role == "log_marginal")
        for node in _nodes(equation)
    ) or any(relation != EQUAL for relation in equation.relations)


def _nodes(equation: Equation) -> list[Expression]:
    return [node for side in equation.sides for node in nodes(side)]
