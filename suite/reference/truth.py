"""The reference of a problem, an exact case or else the definition, and the comparison of a cell's tensors with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from . import oracle
from .comparison import Comparison, compare
from .lifting import lifted
from .mistakes import Array, Tensors, wrong_part
from .problem import Problem
from .tensors import TENSORS
from .tolerance import tolerances
from .weights import weight_shapes


@dataclass(frozen=True)
class Truth:
    """The reference tensors of a problem, and how far a correct computation in a dtype may be from them.

    Attributes:
        tensors: canonical name → float64 array.
        tolerances: canonical name → largest absolute difference that counts as equal.
        dtype: the dtype in whose spacing (ulp) an error is counted.
    """

    tensors: Tensors
    tolerances: Mapping[str, float]
    dtype: str


def flow(problem: Problem) -> list[str]:
    """The names of a problem's tensors in the order in which data flows through the model."""
    return [*TENSORS, "objective", *(f"gradient/{name}" for name in weight_shapes(problem.spec))]


def truth_of(
    problem: Problem, dtype: str, *, gradients: bool = True, bound: str = "elbo", embedding: Sequence[str] = ()
) -> Truth:
    """The exact case in float64 where there is one, else the oracle; below float64 the oracle on rounded inputs.

    Args:
        problem: the problem of the cells.
        dtype: the dtype of the cells.
        gradients: whether the gradients of the objective are judged as well.
        bound: what the objective sums over the batch.
        embedding: names of the liftings by which the cells write the problem. They compute in the arithmetic of the
            more general model, so N of every tensor but the gradients is measured on it; it also has more tensors.
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
        written = lifted(problem.spec, *embedding)
        general = replace(rounded, spec=written.target, weights=written.weights(rounded.weights))
        tensors = {**oracle.evaluate(general, gradients=False, bound=bound), **tensors}
        allowed |= tolerances(general, dtype, gradients=False, bound=bound)
    return Truth(tensors, allowed, dtype)


def against_truth(problem: Problem, tensors: Tensors, truth: Truth) -> list[Comparison]:
    """The comparison of every tensor that a cell returned, in the order of data flow."""
    return [_against_truth(name, tensors[name], truth) for name in flow(problem) if name in tensors]


def _against_truth(name: str, found: Array, truth: Truth) -> Comparison:
    if name not in truth.tensors:
        return Comparison(name, False, defined=False)
    comparison = compare(name, found, truth.tensors[name], truth.tolerances[name], truth.dtype)
    if comparison.equal or comparison.relation:
        return comparison
    return replace(comparison, relation=wrong_part(name, found, truth.tensors))
