"""Equality: every tensor of every cell against the truth and against each other cell, in the order of data flow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..definition import oracle
from ..definition.arithmetic import EPSILON
from ..definition.embeddings import embedded
from ..definition.problem import Problem
from ..definition.roles import TENSORS
from ..definition.weights import weight_shapes
from ..execution.backends import base_dtype
from .tolerance import tolerances

Array = NDArray[Any]
Tensors = Mapping[str, Array]


@dataclass(frozen=True)
class Truth:
    """What a problem's tensors are, and how far a correct computation in a dtype may be from it.

    Attributes:
        tensors: canonical name → float64 array.
        tolerances: canonical name → largest absolute difference that counts as equal.
        dtype: whose spacing an error is counted in.
    """

    tensors: Tensors
    tolerances: Mapping[str, float]
    dtype: str


def truth_of(
    problem: Problem, dtype: str, *, gradients: bool = True, bound: str = "elbo", embedding: Sequence[str] = ()
) -> Truth:
    """The exact case in float64 where there is one, else the oracle; below float64 the oracle on rounded inputs.

    Args:
        problem: what the cells run on.
        dtype: what they compute in.
        gradients: whether those of the objective are judged as well.
        bound: what the objective sums over the batch.
        embedding: names of the embeddings by which the cells write the problem. They compute in the arithmetic of the
            more general model, so that N of every tensor but the gradients is measured on that; it has tensors more.
    """
    rounded = oracle.rounded(problem, dtype)
    tensors = dict(oracle.evaluate(rounded, gradients=gradients, bound=bound))
    if dtype == "float64":
        tensors |= {name: np.asarray(values, dtype=np.float64) for name, values in problem.expected_terms.items()}
        if gradients:
            exact = problem.expected_gradients.get(bound, {})
            tensors |= {f"gradient/{name}": gradient for name, gradient in exact.items()}
    allowed = tolerances(rounded, dtype, gradients=gradients, bound=bound)
    if embedding:
        written = embedded(problem.spec, *embedding)
        general = replace(rounded, spec=written.target, weights=written.weights(rounded.weights))
        tensors = {**oracle.evaluate(general, gradients=False, bound=bound), **tensors}
        allowed |= tolerances(general, dtype, gradients=False, bound=bound)
    return Truth(tensors, allowed, dtype)


def flow(problem: Problem) -> list[str]:
    """The names of a problem's tensors in the order in which data flows through the model."""
    return [*TENSORS, "objective", *(f"gradient/{name}" for name in weight_shapes(problem.spec))]


@dataclass(frozen=True)
class Comparison:
    """One tensor of one cell against the truth, or of two cells against each other.

    Attributes:
        tensor: canonical name.
        equal: whether every element is within the tolerance; NaN and infinity never are.
        index: where the largest error is.
        found, expected: the two values there.
        error: their absolute difference; NaN where either is not finite.
        ulps: the error in units of the dtype's spacing at `expected`.
        tolerance: what was allowed.
        shapes: (found, expected), only where they are not the same; then nothing was compared.
        defined: whether the specification has this tensor at all.
    """

    tensor: str
    equal: bool
    index: tuple[int, ...]
    found: float
    expected: float
    error: float
    ulps: float
    tolerance: float
    shapes: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    defined: bool = True

    def describe(self) -> str:
        """One line: tensor, index, both values, error and tolerance."""
        if not self.defined:
            return f"{self.tensor}: returned, but this specification has no such tensor"
        if self.shapes:
            return f"{self.tensor}: shape {list(self.shapes[0])}, expected {list(self.shapes[1])}"
        where = f"{self.tensor}[{', '.join(map(str, self.index))}]" if self.index else self.tensor
        return (
            f"{where}: {self.found:.17g}, expected {self.expected:.17g} "
            f"({self.error:.3g} = {self.ulps:.3g} ulp; allowed {self.tolerance:.3g})"
        )


def compare(tensor: str, found: Array, expected: Array, tolerance: float, dtype: str) -> Comparison:
    """Compare two arrays of one canonical tensor element by element; the worst element is reported."""
    if found.shape != expected.shape:
        shapes = (found.shape, expected.shape)
        return Comparison(tensor, False, (), np.nan, np.nan, np.nan, np.nan, tolerance, shapes)
    finite = np.isfinite(found) & np.isfinite(expected)
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.where(finite, np.abs(found - expected), np.inf)
    index = np.unravel_index(int(np.argmax(error)), error.shape)
    a, b = float(found[index]), float(expected[index])
    worst = float(error[index])
    with np.errstate(over="ignore", invalid="ignore"):  # the truth may lie beyond the reach of the dtype
        spacing = spacing_at(abs(b), dtype)
    return Comparison(
        tensor=tensor,
        equal=worst <= tolerance < np.inf,  # a tolerance that overflowed admits nothing
        index=tuple(int(i) for i in index),
        found=a,
        expected=b,
        error=worst if np.isfinite(worst) else np.nan,
        ulps=worst / spacing if np.isfinite(worst) else np.nan,
        tolerance=tolerance,
    )


def spacing_at(value: float, dtype: str) -> float:
    """The distance from a value ≥ 0 to the next number of a dtype."""
    stored = float(np.spacing(np.asarray(value, dtype=base_dtype(dtype))))
    return stored * (EPSILON[dtype] / EPSILON[base_dtype(dtype)])


def against_truth(problem: Problem, tensors: Tensors, truth: Truth) -> list[Comparison]:
    """Every tensor that a cell returned, in the order of data flow."""
    return [
        compare(name, tensors[name], truth.tensors[name], truth.tolerances[name], truth.dtype)
        if name in truth.tensors
        else Comparison(name, False, (), np.nan, np.nan, np.nan, np.nan, 0.0, defined=False)
        for name in flow(problem)
        if name in tensors
    ]


def against_each_other(
    problem: Problem, cells: Mapping[str, Tensors], truth: Truth
) -> Iterator[tuple[str, str, Comparison]]:
    """The first tensor in which each pair of cells differs by more than the sum of their tolerances.

    Args:
        problem: what all cells ran on.
        cells: cell key → tensors, all of one dtype.
        truth: its tolerances.

    Yields:
        (cell, other cell, comparison) for every pair that differs.
    """
    for (one, a), (other, b) in combinations(cells.items(), 2):
        for name in flow(problem):
            if name in a and name in b and name in truth.tensors:
                comparison = compare(name, a[name], b[name], 2 * truth.tolerances[name], truth.dtype)
                if not comparison.equal:
                    yield one, other, comparison
                    break


def first_divergence(comparisons: Sequence[Comparison]) -> Comparison | None:
    """The first unequal tensor in the order of data flow."""
    return next((c for c in comparisons if not c.equal), None)
