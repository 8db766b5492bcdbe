"""The comparison of two arrays of one canonical tensor: whether they are equal, and where they differ most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .arithmetic import EPSILON, STORED_AS
from .mistakes import Array, relation
from .mistakes import Tensors as Tensors


@dataclass(frozen=True)
class Comparison:
    """The comparison of a cell's tensor with the reference, or of two cells' tensors with each other.

    Attributes:
        tensor: canonical name.
        equal: whether every element is within the tolerance; NaN and infinity never are.
        index: where the largest error is.
        found, expected: the two values there.
        error: their absolute difference; NaN where either is not finite.
        ulps: the error in units of the dtype's spacing at `expected`.
        tolerance: the largest error that counts as equal.
        largest: the largest magnitude of the expected tensor.
        shapes: (found, expected), only where they are not the same; then nothing was compared.
        relation: how the tensor relates to the expected one, in words, where they differ; see `mistakes.relation`.
        defined: whether the specification has this tensor; a tensor that it does not have is never equal.
    """

    tensor: str
    equal: bool
    index: tuple[int, ...] = ()
    found: float = np.nan
    expected: float = np.nan
    error: float = np.nan
    ulps: float = np.nan
    tolerance: float = 0.0
    largest: float = np.nan
    shapes: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    relation: str = ""
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
            + (f"; {self.relation}" if self.relation else "")
        )


def compare(tensor: str, found: Array, expected: Array, tolerance: float, dtype: str) -> Comparison:
    """Compare two arrays of one canonical tensor element by element; the worst element is reported."""
    if found.shape != expected.shape:
        shapes = (found.shape, expected.shape)
        return Comparison(tensor, False, tolerance=tolerance, shapes=shapes)
    finite = np.isfinite(found) & np.isfinite(expected)
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.where(finite, np.abs(found - expected), np.inf)
    index = np.unravel_index(int(np.argmax(error)), error.shape)
    a, b = float(found[index]), float(expected[index])
    stored = STORED_AS.get(dtype, dtype)
    worst = float(error[index])
    with np.errstate(over="ignore", invalid="ignore"):  # the reference may exceed the range of the dtype
        spacing = float(np.spacing(np.asarray(abs(b), dtype=stored))) * (EPSILON[dtype] / EPSILON[stored])
    equal = worst <= tolerance < np.inf  # a tolerance that overflowed admits nothing
    return Comparison(
        tensor=tensor,
        equal=equal,
        index=tuple(int(i) for i in index),
        found=a,
        expected=b,
        error=worst if np.isfinite(worst) else np.nan,
        ulps=worst / spacing if np.isfinite(worst) else np.nan,
        tolerance=tolerance,
        largest=float(np.abs(expected).max()),
        relation="" if equal else relation(found, expected),
    )


def share_of_tolerance(error: float | None, tolerance: float | None) -> float:
    """How much of a tolerance an error takes; NaN and infinity, which tables leave empty, take all."""
    if error is None or not np.isfinite(error):
        return np.inf
    if not tolerance:
        return np.inf if error else 0.0
    return error / tolerance


def first_divergence(comparisons: Sequence[Comparison]) -> Comparison | None:
    """The first unequal tensor in the order of data flow."""
    return next((c for c in comparisons if not c.equal), None)


def smallest_error(comparisons: Iterable[Comparison]) -> float | None:
    """The smallest relative error that would be detected in each of some tensors, if all of the tensor had it.

    An error of δ in a tensor moves its largest entry by δ · max|truth|, and is found where that is more than the
    tolerance. Tensors that are zero throughout say nothing; None where all are.
    """
    return max((c.tolerance / c.largest for c in comparisons if c.largest > 0), default=None)
