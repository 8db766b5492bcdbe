"""The proof of peers: their noise is what their library drew, so the truth is made for each draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..definition import oracle
from ..definition.comparison import Tensors, Truth, compare, flow
from ..definition.problem import Problem
from ..execution.backends import precision
from ..execution.bench.proof import Expected, is_sum
from ..execution.peers.table import NOISE
from ..execution.stages import repeated
from .stage_truth import smallest_error
from .tolerance import tolerances

Record = Mapping[str, Any]
SIGMAS = 6
"""How many standard errors the mean and the variance of drawn noise may be from 0 and 1."""


class PeerJudge:
    """The verdicts on peers' records; the draws of one problem share its tolerances."""

    def __init__(self) -> None:
        self.allowed: dict[tuple[str, str, str], dict[str, float]] = {}

    def proof(
        self, records: Sequence[Record], expected: Expected, load: Callable[[str], Tensors]
    ) -> tuple[str, str | None, float | None]:
        """What the records of all processes prove of one stage of one peer.

        Args:
            records: each with the bound that its loss sums.
            expected: whose x and weights the peer had.
            load: a record's outputs by file name; among them the noise.

        Returns:
            the verdict; the reason where it is not `equal`; the smallest relative error that would have been found.
        """
        detects = None
        for record in records:
            if record["status"] == "missing":
                return "missing", record["reason"], None
            if record["status"] != "ok":
                return record["status"], f"pass {record['pass']}: {record['reason']}", None
            for when in ("before", "after"):
                tensors = load(record[when])
                noise = tensors[NOISE].astype(np.float64)
                problem = repeated(expected.problem, record["batch"])
                if not_normal := _not_normal(noise, problem.noise.shape):
                    return "differs", f"pass {record['pass']}, {when} timing: {not_normal}", None
                truth = self._truth(expected, replace(problem, noise=noise), record)
                for name in flow(problem):
                    if name in tensors:
                        found = compare(name, tensors[name], truth.tensors[name], truth.tolerances[name], truth.dtype)
                        if not found.equal:
                            return "differs", f"pass {record['pass']}, {when} timing: {found.describe()}", None
                detects = smallest_error(truth, [name for name in tensors if name != NOISE])
        return "equal", None, detects

    def _truth(self, expected: Expected, drawn: Problem, record: Record) -> Truth:
        """Of what was drawn; N is measured with the problem's own noise, on its own rows."""
        dtype, bound = precision(record["dtype"]), record["bound"]
        key = expected.problem.name, dtype, bound
        if key not in self.allowed:
            self.allowed[key] = tolerances(expected.problem, dtype, bound=bound)
        allowed = {n: t * (expected.repeats if is_sum(n) else 1) for n, t in self.allowed[key].items()}
        return Truth(oracle.evaluate(drawn, bound=bound), allowed, dtype)


def _not_normal(noise: NDArray[Any], shape: tuple[int, ...]) -> str | None:
    """Why noise cannot be standard normal: an equality on zeros, or on few draws repeated, would prove less."""
    if noise.shape != shape:
        return f"noise: shape {list(noise.shape)}, expected {list(shape)}"
    mean, variance = noise.mean(), noise.var()
    if abs(mean) > SIGMAS / noise.size**0.5 or abs(variance - 1) > SIGMAS * (2 / noise.size) ** 0.5:
        return f"noise: mean {mean:.3g} and variance {variance:.3g} are not those of a standard normal"
    return None
