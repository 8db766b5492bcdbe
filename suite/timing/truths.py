"""The truth of what is timed: a problem's own tensors, its training, and how far rounding may lead from them.

Other libraries draw their own noise: the truth of what they return is made for each draw.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..backends.table import precision
from ..reference import oracle
from ..reference.adam import AFTER, Adam, pass_total, with_one_update
from ..reference.arithmetic import EPSILON, Arithmetic, Array, Perturbed
from ..reference.comparison import Comparison, Tensors, Truth, compare
from ..reference.problem import Problem
from ..reference.tolerance import K, tolerances
from ..reference.truth import against_truth
from .libraries.table import NOISE
from .measure.stages import repeated
from .proof import OF_SUM, PASS, PASS_STEPS, Expected, is_sum

Record = Mapping[str, Any]

# N does not depend on the scale of an objective, nor, to its digits, on where ε is added.
_RULE = Adam(scale=1.0, epsilon=1e-8, corrected=True)

SIGMAS = 6
"""How many standard errors the mean and the variance of drawn noise may be from 0 and 1."""

ACCUMULATED = {"bfloat16": "float32", "tf32": "float32", "float16": "float32"}
"""What libraries add up in where they multiply in less; a first-to-last sum in bfloat16 would lose itself."""


def stage_truth(problem: Problem, dtype: str, stages: Collection[str], bound: str = "elbo") -> Truth:
    """What the stages of a problem return, in one precision.

    What depends on the framework's ε, or on what a pass draws, has a tolerance here and its truth when it is compared:
    its N is measured with the problem's own noise, in each of the minibatches of a pass. Of a sum over the batch there
    is a second one, of the addition alone, for batches that repeat the problem (`Expected.tolerance`).

    Args:
        problem: with one draw of noise per datum.
        dtype: a key of `arithmetic.EPSILON`.
        stages: of `stages.STAGES`.
        bound: what the objective sums over the batch; a pass is over the ELBO alone.
    """
    rounded = oracle.rounded(problem, dtype)
    training = "training_step" in stages

    def compute(arithmetic: Arithmetic) -> dict[str, Array]:
        if training:
            return with_one_update(rounded, _RULE, arithmetic, bound)
        return oracle.run(
            rounded.spec, rounded.x, rounded.noise, rounded.weights, arithmetic, gradients=False, bound=bound
        )

    numbers = max(weight.size for weight in rounded.weights.values())  # each run perturbs its own
    allowed = oracle.noise_scale_of(rounded, compute, dtype, numbers=numbers)
    if "epoch" in stages:
        batches, noises = [rounded.x] * PASS_STEPS, [rounded.noise[0]] * PASS_STEPS
        scale = oracle.noise_scale_of(
            rounded,
            lambda a: {PASS: pass_total(rounded, batches, noises, _RULE, a)},
            dtype,
            numbers=numbers,
        )
        allowed |= scale
    tensors = oracle.evaluate(rounded, gradients=training, bound=bound)
    # Of the objective's own size: an update changes it by little, and a pass adds up so many.
    like = {AFTER: tensors["objective"], PASS: PASS_STEPS * tensors["objective"]}
    for name in list(filter(is_sum, allowed)):
        largest = float(np.abs(tensors[name] if name in tensors else like[name]).max())
        allowed[name + OF_SUM] = largest * rounding_of_a_sum(len(rounded.x), ACCUMULATED.get(dtype, dtype))
    return Truth(tensors, {name: K * n for name, n in allowed.items()}, dtype)


def rounding_of_a_sum(parts: int, dtype: str) -> float:
    """N of a sum of so many equal numbers, first to last, as a share of the sum: the median of 64 that are measured."""
    arithmetic = Perturbed(EPSILON[dtype], runs=64 * 16, seed=0)
    sums = arithmetic.sum(np.ones((arithmetic.runs, parts)), axis=1)
    return float(np.median(np.abs(sums / parts - 1).reshape(64, 16).max(axis=1)))


class PeerJudge:
    """The verdicts on peers' records; the draws of one problem share its tolerances."""

    def __init__(self) -> None:
        self.allowed: dict[tuple[str, str, str], dict[str, float]] = {}

    def comparisons(self, record: Record, tensors: Tensors, expected: Expected) -> Iterator[Comparison]:
        """What a stage of a peer returned against the truth of what it drew, in the order of data flow.

        Args:
            record: with the bound that its loss sums.
            tensors: its outputs; among them the noise.
            expected: whose x and weights it had.
        """
        noise = tensors[NOISE].astype(np.float64)
        problem = repeated(expected.problem, record["batch"])
        normal = list(_normality(noise, problem.noise.shape))
        yield from normal
        if not all(comparison.equal for comparison in normal):
            return
        truth = self._truth(expected, replace(problem, noise=noise), record)
        outputs = {name: tensor for name, tensor in tensors.items() if name != NOISE}
        yield from against_truth(problem, outputs, truth)

    def _truth(self, expected: Expected, drawn: Problem, record: Record) -> Truth:
        """Of what was drawn; N is measured with the problem's own noise, on its own rows."""
        dtype, bound = precision(record["dtype"]), record["bound"]
        key = expected.problem.name, dtype, bound
        if key not in self.allowed:
            self.allowed[key] = tolerances(expected.problem, dtype, bound=bound)
        batch = replace(expected, truth=Truth({}, self.allowed[key], dtype))
        return Truth(
            oracle.evaluate(drawn, bound=bound), {name: batch.tolerance(name) for name in self.allowed[key]}, dtype
        )


def _normality(noise: Array, shape: tuple[int, ...]) -> Iterator[Comparison]:
    """Whether noise may be standard normal: an equality on zeros, or on few draws repeated, would prove less."""
    if noise.shape != shape:
        yield compare("noise", noise, np.empty(shape), 0.0, "float64")
        return
    for moment, found, true, deviation in (
        ("mean", noise.mean(), 0.0, 1 / noise.size**0.5),
        ("variance", noise.var(), 1.0, (2 / noise.size) ** 0.5),
    ):
        measured = compare(f"noise's {moment}", np.asarray(found), np.asarray(true), SIGMAS * deviation, "float64")
        yield replace(measured, largest=np.nan)  # says nothing of errors in what was computed
