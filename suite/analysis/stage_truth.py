"""The truth of what is timed: a problem's own tensors, its training, and how far rounding may lead from them."""

from __future__ import annotations

import multiprocessing
from collections.abc import Collection, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from ..definition import oracle
from ..definition.adam import AFTER, Adam, pass_total, with_one_update
from ..definition.arithmetic import EPSILON, Arithmetic, Array, Perturbed
from ..definition.comparison import Truth
from ..definition.problem import Problem, load_problem
from ..execution.bench.proof import OF_SUM, PASS, PASS_STEPS, is_sum, load_truth, save_truth, truth_file
from .tolerance import K

# N does not depend on the scale of an objective, nor, to its digits, on where ε is added.
_RULE = Adam(scale=1.0, epsilon=1e-8, corrected=True)

ACCUMULATED = {"bfloat16": "float32", "tf32": "float32", "float16": "float32"}
"""What libraries add up in where they multiply in less; a first-to-last sum in bfloat16 would lose itself."""


def stage_truth(problem: Problem, precision: str, stages: Collection[str], bound: str = "elbo") -> Truth:
    """What the stages of a problem return, in one precision.

    What depends on the framework's ε, or on what a pass draws, has a tolerance here and its truth when it is compared:
    its N is measured with the problem's own noise, in each of the minibatches of a pass. Of a sum over the batch there
    is a second one, of the addition alone, for batches that repeat the problem (`Expected.tolerance`).

    Args:
        problem: with one draw of noise per datum.
        precision: a key of `arithmetic.EPSILON`.
        stages: of `stages.STAGES`.
        bound: what the objective sums over the batch; a pass is over the ELBO alone.
    """
    rounded = oracle.rounded(problem, precision)
    training = "training_step" in stages

    def compute(arithmetic: Arithmetic) -> dict[str, Array]:
        if training:
            return with_one_update(rounded, _RULE, arithmetic, bound)
        return oracle.run(
            rounded.spec, rounded.x, rounded.noise, rounded.weights, arithmetic, gradients=False, bound=bound
        )

    numbers = max(weight.size for weight in rounded.weights.values())  # each run perturbs its own
    allowed = oracle.noise_scale_of(rounded, compute, precision, numbers=numbers)
    if "epoch" in stages:
        batches, noises = [rounded.x] * PASS_STEPS, [rounded.noise[0]] * PASS_STEPS
        scale = oracle.noise_scale_of(
            rounded,
            lambda a: {PASS: pass_total(rounded, batches, noises, _RULE, a)},
            precision,
            numbers=numbers,
        )
        allowed |= scale
    tensors = oracle.evaluate(rounded, gradients=training, bound=bound)
    # Of the objective's own size: an update changes it by little, and a pass adds up so many.
    like = {AFTER: tensors["objective"], PASS: PASS_STEPS * tensors["objective"]}
    for name in list(filter(is_sum, allowed)):
        largest = float(np.abs(tensors[name] if name in tensors else like[name]).max())
        allowed[name + OF_SUM] = largest * rounding_of_a_sum(len(rounded.x), ACCUMULATED.get(precision, precision))
    return Truth(tensors, {name: K * n for name, n in allowed.items()}, precision)


def rounding_of_a_sum(parts: int, precision: str) -> float:
    """N of a sum of so many equal numbers, first to last, as a share of the sum: the median of 64 that are measured."""
    arithmetic = Perturbed(EPSILON[precision], runs=64 * 16, seed=0)
    sums = arithmetic.sum(np.ones((arithmetic.runs, parts)), axis=1)
    return float(np.median(np.abs(sums / parts - 1).reshape(64, 16).max(axis=1)))


def lacks_truth(problem_file: Path, precision: str, bound: str, stages: Collection[str]) -> set[str]:
    """The stages of a problem whose truth is to be made, those that a file beside it already has included; or none."""
    path = truth_file(problem_file, precision, bound)
    wanted = set(stages)
    if not path.exists():
        return wanted
    marks = {"training_step": AFTER, "epoch": PASS}  # what a truth has of a stage alone
    known = load_truth(path, precision).tolerances
    had = {stage for stage, mark in marks.items() if mark in known}
    return set() if wanted & marks.keys() <= had else wanted | had


def write_truth(problem_file: Path, precision: str, bound: str, stages: Collection[str]) -> None:
    """Leave a problem's truth beside it, for the children of a run."""
    truth = stage_truth(load_problem(problem_file), precision, stages, bound)
    save_truth(truth, truth_file(problem_file, precision, bound))


def write_truths(wanted: Mapping[tuple[Path, str, str], Collection[str]], processes: int) -> None:
    """Leave the truths that are lacking beside their problems.

    Args:
        wanted: (problem file, precision, bound) → stages.
        processes: how many at a time: the definition computes on one CPU.
    """
    todo = {key: lacking for key, stages in wanted.items() if (lacking := lacks_truth(*key, stages))}
    if len(todo) < 2 or processes < 2:
        for key, stages in todo.items():
            write_truth(*key, stages)
        return
    # New processes, and no forks: of this one's threads a fork would have the locks alone.
    with ProcessPoolExecutor(min(processes, len(todo)), multiprocessing.get_context("spawn")) as pool:
        for future in [pool.submit(write_truth, *key, stages) for key, stages in todo.items()]:
            future.result()
