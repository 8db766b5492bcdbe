"""Cells against each other: which pairs differ by more than the sum of their tolerances, and where first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from ..reference.comparison import Comparison, Tensors, compare
from ..reference.problem import Problem
from ..reference.truth import Truth, flow


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
