"""The proof of peers: their noise is what their library drew, so the truth is made for each draw."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..definition.comparison import Tensors, Truth, compare
from ..definition.problem import Problem
from ..execution.backends import precision
from ..execution.peers.table import NOISE
from .equality import flow, truth_of

Record = Mapping[str, Any]
SIGMAS = 6
"""How many standard errors the mean and the variance of drawn noise may be from 0 and 1."""


class PeerJudge:
    """The verdicts on peers' records; cells that drew the same noise share a truth."""

    def __init__(self) -> None:
        self.truths: dict[tuple[str, str, str, bytes], Truth] = {}

    def proof(
        self, records: Sequence[Record], problem: Problem, load: Callable[[str], Tensors]
    ) -> tuple[str, str | None]:
        """The verdict on one stage of one peer from its records of all processes, and the reason for another one.

        Args:
            records: each with the bound that its loss sums.
            problem: whose x and weights the peer had.
            load: a record's outputs by file name; among them the noise.
        """
        for record in records:
            if record["status"] == "missing":
                return "missing", record["reason"]
            if record["status"] != "ok":
                return record["status"], f"pass {record['pass']}: {record['reason']}"
            for when in ("before", "after"):
                for found in self._faults(record, problem, load(record[when])):
                    return "differs", f"pass {record['pass']}, {when} timing: {found}"
        return "equal", None

    def _faults(self, record: Record, problem: Problem, tensors: Tensors) -> Iterator[str]:
        noise = tensors[NOISE].astype(np.float64)
        if not_normal := _not_normal(noise, problem.noise.shape):
            yield not_normal
            return
        truth = self._truth(problem, record, noise)
        for name in flow(problem):
            if name in tensors:
                found = compare(name, tensors[name], truth.tensors[name], truth.tolerances[name], truth.dtype)
                if not found.equal:
                    yield found.describe()

    def _truth(self, problem: Problem, record: Record, noise: NDArray[Any]) -> Truth:
        dtype = precision(record["dtype"])
        key = problem.name, dtype, record["bound"], noise.tobytes()
        if key not in self.truths:
            drawn = replace(problem, noise=noise, expected_terms={}, expected_gradients={})
            self.truths[key] = truth_of(drawn, dtype, bound=record["bound"])
        return self.truths[key]


def _not_normal(noise: NDArray[Any], shape: tuple[int, ...]) -> str | None:
    """Why noise cannot be standard normal: an equality on zeros, or on few draws repeated, would prove less."""
    if noise.shape != shape:
        return f"noise: shape {list(noise.shape)}, expected {list(shape)}"
    mean, variance = noise.mean(), noise.var()
    if abs(mean) > SIGMAS / noise.size**0.5 or abs(variance - 1) > SIGMAS * (2 / noise.size) ** 0.5:
        return f"noise: mean {mean:.3g} and variance {variance:.3g} are not those of a standard normal"
    return None
