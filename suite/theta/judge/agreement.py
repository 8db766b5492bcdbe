"""Every backend compared with the reference, by the same tolerance rule as other cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...reference.comparison import compare, first_divergence, share_of_tolerance
from ...reference.truth import Truth
from ..expected import Tensors

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


def agreements(case: str, truth: Truth, found: Mapping[str, Tensors], prefix: str = "") -> list[Agreement]:
    """Every backend on one case: the tensors of a reference whose names begin with a prefix."""
    expected = {name: value for name, value in truth.tensors.items() if name.startswith(prefix)}
    compared = sum(value.size for value in expected.values())
    rows = []
    for backend, tensors in found.items():
        comparisons = [
            compare(
                name.removeprefix(prefix), tensors.get(name, np.empty(0)), value, truth.tolerances[name], truth.dtype
            )
            for name, value in expected.items()
        ]
        first = first_divergence(comparisons)
        worst = max(comparisons, key=lambda c: share_of_tolerance(c.error, c.tolerance))
        verdict, divergence = ("differs", first.describe()) if first else ("equal", None)
        row = Agreement(case, backend, verdict, compared, worst.error, worst.tolerance, worst.tensor, divergence)
        rows.append(row)
    return rows


def closest(found: Sequence[Agreement]) -> list[Agreement]:
    """For each backend all cases that differ or, where none does, the case closest to its tolerance."""
    shown: list[Agreement] = []
    for backend in dict.fromkeys(agreement.backend for agreement in found):
        own = [agreement for agreement in found if agreement.backend == backend]
        differing = [agreement for agreement in own if agreement.verdict == "differs"]
        shown += differing or [max(own, key=lambda a: share_of_tolerance(a.error, a.tolerance))]
    return shown
