"""Equality: every tensor of every cell against the truth and against each other cell, in the order of data flow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..definition import oracle
from ..definition.comparison import Comparison, Tensors, Truth, compare, flow, undefined
from ..definition.lifting import lifted
from ..definition.problem import Problem
from .tolerance import tolerances

Array = NDArray[Any]


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
        written = lifted(problem.spec, *embedding)
        general = replace(rounded, spec=written.target, weights=written.weights(rounded.weights))
        tensors = {**oracle.evaluate(general, gradients=False, bound=bound), **tensors}
        allowed |= tolerances(general, dtype, gradients=False, bound=bound)
    return Truth(tensors, allowed, dtype)


def against_truth(problem: Problem, tensors: Tensors, truth: Truth) -> list[Comparison]:
    """Every tensor that a cell returned, in the order of data flow."""
    return [
        compare(name, tensors[name], truth.tensors[name], truth.tolerances[name], truth.dtype)
        if name in truth.tensors
        else undefined(name)
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
