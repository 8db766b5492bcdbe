"""Random problems are made well conditioned: scales within a range, and none of them beyond what float32 can tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from elbostone.reference.arithmetic import Exact
from elbostone.reference.families.chain import conditional
from elbostone.reference.networks import layer_of
from elbostone.reference.oracle import evaluate
from elbostone.reference.problem import Problem
from elbostone.reference.spec import Spec
from elbostone.reference.tape import Tape

Array = NDArray[np.float64]

#: What log σ² of the posterior (and of a Gaussian decoder) stays within: 14 below to 6 above zero.
LOG_VARIANCE = (-14.0, 6.0)
#: The largest uᵀD⁻¹u: beyond, D⁻¹ − ηD⁻¹uuᵀD⁻¹ cancels.
RANK_ONE = 4.0


def scale_tensor(spec: Spec) -> str:
    """The canonical tensor that the log-variance head of the posterior is."""
    prefix = {"full": "cholesky", "rank-one": "rank_one"}.get(spec.posterior, "posterior")
    return f"{prefix}_log_variance"


def well_conditioned(problem: Problem, random: np.random.Generator) -> Problem:
    """The problem with its log-variance heads within `LOG_VARIANCE`, and what joins latents no larger than they are."""
    spec = problem.spec
    head = "posterior" if spec.posterior == "free" else "encoder"
    problem = _within(problem, scale_tensor(spec), f"{head}.log_variance", random)
    if spec.posterior == "full":
        problem = _scaled(problem, "encoder.cholesky", _below_the_diagonal(problem) * random.random())
    if spec.posterior == "rank-one":
        problem = _scaled(problem, "encoder.rank_one", _along_u(problem) * random.random())
    for name, layer in _neighbours(spec):
        problem = _neighbour_within(problem, name, layer, random)
    if spec.likelihood == "gaussian":
        problem = _within(problem, "decoder_log_variance", "decoder.log_variance", random)
    return problem


def _within(problem: Problem, tensor: str, head: str, random: np.random.Generator) -> Problem:
    """The problem with a log-variance head scaled down and shifted until its output fills or fits a random interval."""
    return _moved_within(problem, evaluate(problem, gradients=False)[tensor], head, random)


def _neighbours(spec: Spec) -> list[tuple[str, int]]:
    """The nets between the layers of a chain, in the order of data flow, each with the layer that it takes."""
    last = len(spec.chain or (0,)) - 1
    ups = [(f"encoder.chain.{i}", i) for i in range(last)]
    return ups + [(f"decoder.chain.{i}", i + 1) for i in reversed(range(last))]


def _neighbour_within(problem: Problem, name: str, layer: int, random: np.random.Generator) -> Problem:
    """The same as `_within` of the log-variance that one layer of a chain gives its neighbour."""
    assert problem.spec.chain
    tape = Tape(Exact())
    latents = tape.input(evaluate(problem, gradients=False)["latent"])
    weights = {weight: tape.input(value) for weight, value in problem.weights.items()}
    own = layer_of(latents, problem.spec.chain, layer)
    _, log_variance = conditional(problem.spec, own, weights, name)
    return _moved_within(problem, log_variance.value[0], f"{name}.log_variance", random)


def _moved_within(problem: Problem, found: Array, head: str, random: np.random.Generator) -> Problem:
    low, high = np.sort(random.uniform(*LOG_VARIANCE, 2))
    factor = min(1.0, (high - low) / max(np.ptp(found), 1e-9))
    start = low + random.random() * (high - low - factor * np.ptp(found))
    if head == "posterior.log_variance":
        return _with(problem, {head: factor * (problem.weights[head] - found.min()) + start})
    problem = _scaled(problem, head, factor)
    part = ".mean" if problem.spec.decoder_weights == "posterior" and head.startswith("decoder.") else ""
    bias = f"{head}.bias{part}"
    return _with(problem, {bias: problem.weights[bias] - factor * found.min() + start})


def _scaled(problem: Problem, layer: str, factor: float) -> Problem:
    """The problem with the output of a layer scaled; where its weights have a posterior, their deviations are too."""
    found = {}
    for part in ("weight", "bias"):
        name = f"{layer}.{part}"
        if name in problem.weights:
            found[name] = factor * problem.weights[name]
        else:
            found[f"{name}.mean"] = factor * problem.weights[f"{name}.mean"]
            found[f"{name}.log_variance"] = problem.weights[f"{name}.log_variance"] + 2 * np.log(factor)
    return _with(problem, found)


def _with(problem: Problem, weights: dict[str, Array]) -> Problem:
    return replace(problem, weights={**problem.weights, **weights})


def _below_the_diagonal(problem: Problem) -> float:
    """A factor under which no entry of L below its diagonal is larger than the largest on it, datum by datum."""
    found = evaluate(problem, gradients=False)
    below = np.abs(np.tril(found["posterior_cholesky"], -1)).max(axis=(1, 2))
    return float((found["cholesky_sd"].max(axis=1) / np.maximum(below, 1e-9)).min())


def _along_u(problem: Problem) -> float:
    """A factor under which uᵀD⁻¹u is `RANK_ONE` at most."""
    found = evaluate(problem, gradients=False)
    along = (found["rank_one_vector"] ** 2 * found["rank_one_variance"]).sum(axis=1)
    return float(np.sqrt(RANK_ONE / along.max()))
