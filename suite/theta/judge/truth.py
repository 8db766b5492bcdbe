"""The truth of the small models, how far rounding may move it, and whether each backend stays within that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...reference.comparison import Comparison, compare
from ...reference.tolerance import K
from .. import expected_rows
from ..cases import Case, evaluations
from ..models import ROWS

Array = NDArray[Any]
Tensors = Mapping[str, Array]


@dataclass(frozen=True)
class Truth:
    """Values and derivatives of every evaluation, as `densities.evaluate_cases` names them.

    Attributes:
        tensors: [row, ...] each.
        tolerances: [row] each: K times the N of that row. Where N is 0, as of an exact zero, nothing else is equal.
    """

    tensors: Tensors
    tolerances: Tensors

    def value(self, case: str, key: str, row: str) -> tuple[float, float]:
        """(value, tolerance) of one row of one evaluation."""
        name, i = f"{case}/{key}/value", ROWS.index(row)
        return float(self.tensors[name][i]), float(self.tolerances[name][i])


def truth_of(cases: Iterable[Case]) -> Truth:
    """In float64 NumPy, with derivatives by a complex step; N from moved runs of the same."""
    tensors: dict[str, Array] = {}
    tolerances: dict[str, Array] = {}
    for case in cases:
        for evaluation in evaluations(case):
            found = expected_rows.evaluate(case, evaluation)
            for name, scale in expected_rows.noise_scale(case, evaluation).items():
                tensors[f"{case.name}/{evaluation.key}/{name}"] = found[name]
                tolerances[f"{case.name}/{evaluation.key}/{name}"] = K * scale
    return Truth(tensors, tolerances)


@dataclass(frozen=True)
class Agreement:
    """One backend on one case.

    Attributes:
        verdict: `equal` or `differs`.
        compared: how many numbers were compared.
        error, tolerance: of the row that came closest to its tolerance.
        worst: that row, in words.
        first_divergence: the first row outside of its tolerance; None if there is none.
    """

    case: str
    backend: str
    verdict: str
    compared: int
    error: float
    tolerance: float
    worst: str
    first_divergence: str | None


def agreements(truth: Truth, found: Mapping[str, Tensors], cases: Sequence[Case]) -> list[Agreement]:
    """Every backend against the truth, case by case."""
    return [
        agreement_of(case.name, backend, list(_comparisons(truth, tensors, case.name)))
        for case in cases
        for backend, tensors in found.items()
    ]


def agreement_of(case: str, backend: str, compared: Sequence[tuple[Comparison, int]]) -> Agreement:
    """Sum up comparisons, each with how many numbers it is of."""
    comparisons = [comparison for comparison, _ in compared]
    differing = [comparison for comparison in comparisons if not comparison.equal]
    worst = max(comparisons, key=_closeness)
    return Agreement(
        case,
        backend,
        "differs" if differing else "equal",
        sum(count for _, count in compared),
        worst.error,
        worst.tolerance,
        worst.tensor,
        differing[0].describe() if differing else None,
    )


def closest(found: Sequence[Agreement]) -> list[Agreement]:
    """Of each backend all that differ or, where none does, the one whose error is the largest part of its tolerance."""
    shown: list[Agreement] = []
    for backend in dict.fromkeys(agreement.backend for agreement in found):
        own = [agreement for agreement in found if agreement.backend == backend]
        differing = [agreement for agreement in own if agreement.verdict == "differs"]
        shown += differing or [max(own, key=lambda a: a.error / a.tolerance if a.tolerance else 0.0)]
    return shown


def _comparisons(truth: Truth, found: Tensors, case: str) -> Iterator[tuple[Comparison, int]]:
    for name, expected in truth.tensors.items():
        if not name.startswith(f"{case}/"):
            continue
        tensor = found.get(name, np.empty(0))
        if tensor.shape != expected.shape:
            yield compare(name, tensor, expected, 0.0, "float64"), expected.size
            continue
        for i, row in enumerate(ROWS):
            where, tolerance = f"{name.removeprefix(f'{case}/')}/{row}", float(truth.tolerances[name][i])
            yield compare(where, tensor[i], expected[i], tolerance, "float64"), expected[i].size


def _closeness(comparison: Comparison) -> float:
    """Error in units of the tolerance; infinite where nothing was allowed and something is off."""
    if not np.isfinite(comparison.error):
        return np.inf
    if comparison.error == 0:
        return 0.0
    return comparison.error / comparison.tolerance if comparison.tolerance else np.inf
