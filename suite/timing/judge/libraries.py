"""Other libraries draw their noise themselves, so the reference of their outputs is computed for each draw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ...backends.table import precision
from ...reference import oracle
from ...reference.arithmetic import Array
from ...reference.comparison import Comparison, Tensors, compare
from ...reference.problem import Problem
from ...reference.tolerance import tolerances
from ...reference.truth import Truth, against_truth
from ..libraries.table import NOISE
from ..measure.stages import repeated
from ..proof import Expected
from ..records import ThroughputRecord

SIGMAS = 6
"""How many standard errors the mean and the variance of drawn noise may be from 0 and 1."""


class LibraryJudge:
    """The verdicts on other libraries' records; all draws of a problem share its tolerances."""

    def __init__(self) -> None:
        self.allowed: dict[tuple[str, str, str], dict[str, float]] = {}

    def comparisons(self, record: ThroughputRecord, tensors: Tensors, expected: Expected) -> Iterator[Comparison]:
        """The outputs of another library's stage compared with the reference at its draws, in the order of data flow.

        Args:
            record: the record, with the bound that the loss sums.
            tensors: the outputs, the noise included.
            expected: the reference, with the x and weights of the stage.
        """
        noise = tensors[NOISE].astype(np.float64)
        problem = repeated(expected.problem, record.batch)
        normal = list(_normality(noise, problem.noise.shape))
        yield from normal
        if not all(comparison.equal for comparison in normal):
            return
        reference = self._reference(expected, replace(problem, noise=noise), record)
        outputs = {name: tensor for name, tensor in tensors.items() if name != NOISE}
        yield from against_truth(problem, outputs, reference)

    def _reference(self, expected: Expected, drawn: Problem, record: ThroughputRecord) -> Truth:
        """The reference at the library's draws; N is measured with the noise and the rows of the problem."""
        dtype, bound = precision(record.cell.dtype), record.bound
        key = expected.problem.name, dtype, bound
        if key not in self.allowed:
            self.allowed[key] = tolerances(expected.problem, dtype, bound=bound)
        batch = replace(expected, reference=Truth({}, self.allowed[key], dtype))
        return Truth(
            oracle.evaluate(drawn, bound=bound), {name: batch.tolerance(name) for name in self.allowed[key]}, dtype
        )


def _normality(noise: Array, shape: tuple[int, ...]) -> Iterator[Comparison]:
    """Tests whether noise may be standard normal: equality at zeros, or at few repeated draws, would prove less."""
    if noise.shape != shape:
        yield compare("noise", noise, np.empty(shape), 0.0, "float64")
        return
    for moment, found, true, deviation in (
        ("mean", noise.mean(), 0.0, 1 / noise.size**0.5),
        ("variance", noise.var(), 1.0, (2 / noise.size) ** 0.5),
    ):
        measured = compare(f"noise's {moment}", np.asarray(found), np.asarray(true), SIGMAS * deviation, "float64")
        yield replace(measured, largest=np.nan)  # no error of a computed tensor
