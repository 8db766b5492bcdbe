"""The outputs of a timed call, compared with the reference: by the child before timing, and by the judge after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import hypot
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..reference import oracle
from ..reference.adam import AFTER, Adam, objective_after
from ..reference.comparison import Comparison, Tensors, compare
from ..reference.problem import Problem, read_tensors, save_tensors
from ..reference.tensors import TENSORS
from ..reference.truth import Truth, flow

Array = NDArray[Any]

LEAST, MOST = "/least", "/most"
"""Suffixes of the names of a tensor's minimum and maximum over the repetitions of a problem's rows."""
OF_SUM = "/sum"
"""Suffix of the names of tolerances of the addition alone, in a first-to-last sum over a problem's rows."""
_ALLOWED = "allowed "


@dataclass(frozen=True)
class Expected:
    """The reference of a problem in one precision, for a batch that repeats the problem's rows.

    A per-datum tensor is the same in each repetition. A sum over the batch is `repeats` times the sum over the rows;
    so is the rounding error of its terms. The addition has a rounding error as well, which grows with the sum's length.

    Attributes:
        problem: the problem, rounded to the precision.
        reference: the reference of the problem's rows.
        repeats: the number of their repetitions in the batch.
        bound: what the reference's objective sums over the batch.
    """

    problem: Problem
    reference: Truth
    repeats: int = 1
    bound: str = "elbo"
    _after: dict[str, float] = field(default_factory=dict, repr=False, compare=False)

    def comparisons(self, tensors: Tensors, adam: Adam | None) -> Iterator[Comparison]:
        """Every tensor that a stage returned against the reference, in the order of data flow.

        Args:
            tensors: canonical name → array; folded over the repetitions.
            adam: the rule of a training stage.
        """
        compared = {AFTER}
        for name in flow(self.problem):
            scale = self.repeats if is_sum(name) else 1
            for found in {name, name + LEAST, name + MOST} & tensors.keys() if name in self.reference.tensors else ():
                compared.add(found)
                true = scale * self.reference.tensors[name]
                yield compare(name, tensors[found], true, self.tolerance(name), self.reference.dtype)
        for name in tensors.keys() - compared:
            yield Comparison(name, False, defined=False)
        if AFTER in tensors:
            assert adam is not None
            true = np.asarray(self._objective_after(adam))
            yield compare(AFTER, tensors[AFTER], true, self.tolerance(AFTER), self.reference.dtype)

    def tolerance(self, name: str) -> float:
        """The largest deviation of a tensor of the batch that counts as equal.

        The reference's tolerance includes the sum over the problem's rows. The error of a first-to-last sum of n equal
        terms is a random walk whose steps grow with the partial sum: its length grows as n^{3/2}, and the sum as n. It
        is independent of the errors of the terms.
        """
        allowed = self.reference.tolerances
        if not is_sum(name):
            return allowed[name]
        further = (self.repeats - 1) ** 0.5 * allowed.get(name + OF_SUM, 0.0)
        return self.repeats * hypot(allowed[name], further)

    def _objective_after(self, adam: Adam) -> float:
        """The objective after one update; computed once for each rule, since convolutions take seconds."""
        scaled = replace(adam, scale=adam.scale * self.repeats)
        if repr(scaled) not in self._after:
            self._after[repr(scaled)] = objective_after(self.problem, scaled, self.bound)
        return self.repeats * self._after[repr(scaled)]


def is_sum(name: str) -> bool:
    """Whether a canonical tensor is a sum over the batch."""
    return name.startswith(("objective", "gradient/"))


def fold(tensors: Mapping[str, Array], repeats: int) -> dict[str, Array]:
    """Per-datum tensors as their minimum and maximum over the repetitions of the problem's rows; sums unchanged.

    Args:
        tensors: canonical name → [batch, ...] or [sample, batch, ...], the batch axis `rows · repeats` long.
        repeats: the number of repetitions of the rows, which follow each other.
    """
    if repeats == 1:
        return dict(tensors)
    folded = {}
    for name, tensor in tensors.items():
        if is_sum(name):
            folded[name] = tensor
            continue
        axis = TENSORS[name].index("batch")
        shape = (*tensor.shape[:axis], repeats, tensor.shape[axis] // repeats, *tensor.shape[axis + 1 :])
        unfolded = tensor.reshape(shape)
        # NumPy's min and max keep a NaN.
        folded[name + LEAST], folded[name + MOST] = unfolded.min(axis), unfolded.max(axis)
    return folded


def reference_file(problem_file: Path, precision: str, bound: str = "elbo") -> Path:
    """The path of a problem's reference in a precision, with an objective that sums a bound: beside the problem."""
    which = precision if bound == "elbo" else f"{precision}-{bound}"
    return problem_file.with_name(f"{problem_file.stem}.truth-{which}.safetensors")


def load_expected(problem_file: Path, problem: Problem, precision: str, batch: int, bound: str = "elbo") -> Expected:
    """The expected outputs of a stage at a batch size; `save_reference` wrote the reference before."""
    reference = load_reference(reference_file(problem_file, precision, bound), precision)
    return Expected(oracle.rounded(problem, precision), reference, batch // len(problem.x), bound)


def save_reference(reference: Truth, path: Path) -> None:
    """Write a reference for the children of a run."""
    allowed = {_ALLOWED + name: np.asarray(value) for name, value in reference.tolerances.items()}
    save_tensors({**{name: np.asarray(t) for name, t in reference.tensors.items()}, **allowed}, path)


def load_reference(path: Path, precision: str) -> Truth:
    """Read a reference that `save_reference` wrote."""
    found = read_tensors(path)
    allowed = {name.removeprefix(_ALLOWED): float(t) for name, t in found.items() if name.startswith(_ALLOWED)}
    return Truth({name: t for name, t in found.items() if not name.startswith(_ALLOWED)}, allowed, precision)
