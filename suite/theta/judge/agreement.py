"""Every backend compared with the reference, by the same tolerance rule as other cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...reference.comparison import Comparison, compare
from ...reference.problem import Array
from ..cases import Case
from ..expected import Tensors, Truth
from ..models import ROWS

VAE = "trained VAE"
"""Its name in the column of the small models' cases."""


@dataclass(frozen=True)
class Agreement:
    """One backend on one case.

    Attributes:
        verdict: `equal` or `differs`.
        compared: how many numbers were compared.
        error, tolerance: those of the row that came closest to its tolerance.
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


def small_agreements(truth: Truth, found: Mapping[str, Tensors], cases: Sequence[Case]) -> list[Agreement]:
    """Every backend on the small models, case by case."""
    return [
        _agreement(case.name, backend, _small_comparisons(truth, tensors, case.name))
        for case in cases
        for backend, tensors in found.items()
    ]


def vae_agreements(expected: Mapping[str, tuple[Array, float]], found: Mapping[str, Tensors]) -> list[Agreement]:
    """Every backend on the trained VAE."""
    return [_agreement(VAE, backend, _vae_comparisons(expected, tensors)) for backend, tensors in found.items()]


def _vae_comparisons(expected: Mapping[str, tuple[Array, float]], found: Tensors) -> Iterator[tuple[Comparison, int]]:
    for name, (value, tolerance) in expected.items():
        yield compare(name, found.get(name, np.empty(0)), value, tolerance, "float64"), value.size


def _agreement(case: str, backend: str, found: Iterable[tuple[Comparison, int]]) -> Agreement:
    """Summarise comparisons, each with the number of values that it compares."""
    compared = list(found)
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
    """For each backend all cases that differ or, where none does, the case closest to its tolerance."""
    shown: list[Agreement] = []
    for backend in dict.fromkeys(agreement.backend for agreement in found):
        own = [agreement for agreement in found if agreement.backend == backend]
        differing = [agreement for agreement in own if agreement.verdict == "differs"]
        shown += differing or [max(own, key=lambda a: a.error / a.tolerance if a.tolerance else 0.0)]
    return shown


def _small_comparisons(truth: Truth, found: Tensors, case: str) -> Iterator[tuple[Comparison, int]]:
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
