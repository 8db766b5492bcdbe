"""The definition: every canonical tensor of a problem, in float64 NumPy, exactly or with perturbed arithmetic.

Terms are per example, in nats, with every constant kept; gradients are of the objective: a bound (the ELBO, unless said
otherwise) summed over the batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from .arithmetic import EPSILON, SMALLEST_NORMAL, Arithmetic, Array, Exact, Perturbed
from .errors import BadInput
from .networks import encode
from .node import BATCH, SAMPLE, Node, Nodes
from .problem import Problem
from .spec import Spec
from .tape import Tape
from .weights import weight_shapes

Compute = Callable[[Arithmetic], dict[str, Array]]
Update = Callable[[Arithmetic, dict[str, Array], dict[str, Array]], dict[str, Array]]

# Runs are made in groups whose largest tensor stays below this many numbers (32 MiB), however large the batch.
GROUP = 1 << 22


def evaluate(problem: Problem, *, gradients: bool = True, bound: str = "elbo") -> dict[str, Array]:
    """All canonical tensors in the order of data flow.

    Args:
        problem: what is evaluated.
        gradients: whether the gradients of the objective are computed.
        bound: what the objective sums over the batch, one of `tensors.BOUNDS`.

    Returns:
        the tensors of `tensors.TENSORS` that the specification has, with the axes given there; objective [], the sum of
        the bound over the batch (with its KL weighed by the specification's β, less the KL of decoder weights that have
        a posterior); then, if computed, `gradient/<canonical weight>` of the objective, shaped like the weight.
    """
    tensors = run(problem, Exact(), gradients=gradients, bound=bound)
    return {name: np.asarray(tensor[0], order="C") for name, tensor in tensors.items()}


def noise_scale(
    problem: Problem, dtype: str, *, gradients: bool = True, bound: str = "elbo", runs: int = 16, seed: int = 0
) -> dict[str, float]:
    """N of each canonical tensor: the largest absolute deviation from `evaluate` over the tensor and all seeded runs.

    Raises:
        BadInput: the dtype is unknown.
    """
    compute = partial(run, problem, gradients=gradients, bound=bound)
    return noise_scale_of(problem, compute, dtype, runs=runs, seed=seed)


def noise_scale_of(
    problem: Problem, compute: Compute, dtype: str, *, runs: int = 16, seed: int = 0, numbers: int = 0
) -> dict[str, float]:
    """N of whatever is computed of a problem, by name.

    Args:
        problem: its sizes determine how many runs are made at a time.
        compute: arithmetic → tensors, each [run, ...].
        dtype: the precision of the runs.
        runs, seed: how many, and which.
        numbers: the size of a run's largest tensor, if larger than the problem's widest layer.

    Raises:
        BadInput: the dtype is unknown.
    """
    widest = max(family.widest(problem.spec) for family in problem.spec.families)
    numbers = max(numbers, problem.noise.shape[0] * problem.x.shape[0] * widest)
    return largest_deviations(compute, dtype, numbers, runs=runs, seed=seed)


def largest_deviations(
    compute: Compute, dtype: str, numbers: int, *, runs: int = 16, seed: int = 0
) -> dict[str, float]:
    """`noise_scale_of` where a run's largest tensor has so many `numbers`."""
    epsilon = _epsilon(dtype)
    exact = compute(Exact())
    worst = dict.fromkeys(exact, 0.0)
    step = min(runs, max(1, GROUP // numbers))
    for first in range(0, runs, step):
        arithmetic = Perturbed(epsilon, min(step, runs - first), (seed, first), SMALLEST_NORMAL[dtype])
        for name, tensor in compute(arithmetic).items():
            with np.errstate(invalid="ignore"):
                deviation = np.abs(tensor - exact[name]).max()
            # np.maximum, unlike max, keeps a NaN: a tolerance that nothing meets, rather than a silently small one
            worst[name] = float(np.maximum(worst[name], deviation))
    return worst


def rounded(problem: Problem, dtype: str) -> Problem:
    """The problem with data, noise and weights rounded to `dtype`, kept as float64, for references below float64.

    Raises:
        BadInput: the dtype is unknown.
    """
    _epsilon(dtype)
    if dtype == "float64":
        return problem
    return replace(
        problem,
        x=rounded_array(problem.x, dtype),
        noise=rounded_array(problem.noise, dtype),
        weights={name: rounded_array(weight, dtype) for name, weight in problem.weights.items()},
        weight_noise={name: rounded_array(noise, dtype) for name, noise in problem.weight_noise.items()},
        expected_terms={},
        expected_gradients={},
    )


def _epsilon(dtype: str) -> float:
    if dtype not in EPSILON:
        raise BadInput(f"dtype: expected one of {', '.join(EPSILON)}; found {dtype!r}")
    return EPSILON[dtype]


def rounded_array(values: Array, dtype: str) -> Array:
    """Numbers rounded to a dtype, as float64."""
    dtype = "float32" if dtype == "tf32" else dtype  # TF32 rounds on the way into a product, not what is stored
    if dtype != "bfloat16":  # NumPy has no bfloat16: eight significant bits, ties to even
        return values.astype(dtype).astype(np.float64)
    mantissa, exponent = np.frexp(values)
    return np.asarray(np.ldexp(np.rint(np.ldexp(mantissa, 8)), exponent - 8))


def gradient_ascent(
    spec: Spec,
    weights: Mapping[str, Array],
    batches: Iterable[Array],
    noises: Iterable[Array],
    update: Update,
    arithmetic: Arithmetic,
) -> Iterator[tuple[Array, dict[str, Array]]]:
    """Train on the oracle's own gradients, every run with weights of its own.

    Args:
        spec: the model.
        weights: initial canonical weights, without a run axis.
        batches: data of each step, [batch, data].
        noises: noise of each step, [sample, batch, latent].
        update: (arithmetic, weights, gradients of Σ_b elbo_b) → new weights, all [run, ...].
        arithmetic: exact, or perturbed to measure N of trained weights.

    Yields:
        per step, Σ_b elbo_b [run] before the update and the weights [run, ...] after it.
    """
    current = {name: np.repeat(weights[name][None], arithmetic.runs, axis=0) for name in weight_shapes(spec)}
    for x, noise in zip(batches, noises, strict=True):
        tensors = run(Problem("step", spec, x, noise, weights), arithmetic, weights=current)
        current = update(arithmetic, current, {name: tensors[f"gradient/{name}"] for name in current})
        yield tensors["elbo"].sum(axis=1), current


def run(
    problem: Problem,
    arithmetic: Arithmetic,
    *,
    weights: Mapping[str, Array] | None = None,
    gradients: bool = True,
    bound: str = "elbo",
) -> dict[str, Array]:
    """`evaluate` in any arithmetic: all tensors have a leading axis `run`, as have `weights` in place of its own."""
    spec, tape, carries_run = problem.spec, Tape(arithmetic), weights is not None
    every = problem.weights if weights is None else weights
    nodes = {name: tape.input(every[name], wanted=gradients, carries_run=carries_run) for name in weight_shapes(spec)}
    # an overflow stays infinite or NaN, and the comparison reports it: a warning here would only repeat that
    with np.errstate(over="ignore", invalid="ignore"):
        noises = {name: tape.input(values) for name, values in problem.weight_noise.items()}
        tensors = terms(spec, tape.input(problem.x), tape.input(problem.noise), noises, nodes, bound)
        values = {name: node.value for name, node in tensors.items()}
        if gradients:
            adjoints = tape.backward(tensors["objective"], list(nodes.values()))
            values |= {f"gradient/{name}": adjoint for name, adjoint in zip(nodes, adjoints, strict=True)}
    return values


def terms(spec: Spec, x: Node, noise: Node, weight_noise: Nodes, w: Nodes, bound: str) -> dict[str, Node]:
    """The canonical tensors in the order of data flow, then `objective`.

    Args:
        spec: the model.
        x: [batch, data].
        noise: [sample, batch, latent].
        weight_noise: decoder weight → [sample, ...]; empty where they are points.
        w: canonical weights.
        bound: what the objective reduces, one of `tensors.BOUNDS`.
    """
    f = spec.families
    q = f.latents.draw(spec, encode(spec, x, w), noise, w)
    decoded = f.decoder_weights.decode(spec, q.latent, weight_noise, w)
    likelihoods = f.likelihood.log_density(spec, x, decoded)
    priors = f.latents.log_prior(spec, q.latent, w)
    log_likelihood = likelihoods.mean(SAMPLE)
    sampled_kl = (q.log_density - priors).mean(SAMPLE)
    closed = f.latents.closed_form_kl(spec, q, w)
    kl = sampled_kl if closed is None else closed  # without a closed form the sampled one is the definition
    log_ratio = likelihoods + priors - q.log_density
    log_samples = noise.constant(math.log(noise.shape[SAMPLE]))
    found = {
        "posterior_mean": q.mean,
        **q.tensors,
        **f.prior.tensors(w),
        "latent": q.latent,
        **f.likelihood.tensors(decoded),
        "log_likelihood": log_likelihood,
        "log_prior": priors.mean(SAMPLE),
        "log_posterior": q.log_density.mean(SAMPLE),
        "kl": kl,
        "kl_monte_carlo": sampled_kl,
        "elbo": log_likelihood - kl,
        "elbo_monte_carlo": log_ratio.mean(SAMPLE),
        "weighted_elbo": log_likelihood - spec.beta * kl,
        "weighted_elbo_monte_carlo": log_likelihood - spec.beta * sampled_kl,
        "iwae": log_ratio.logsumexp(SAMPLE) - log_samples,
        **f.decoder_weights.terms(weight_noise, w),
    }
    return {**found, "objective": objective(spec, found, bound)}


def objective(spec: Spec, found: Nodes, bound: str) -> Node:
    """The bound, its KL weighed by β, summed over the batch; the KL of the decoder's weights counts once per set.

    Raises:
        ValueError: the bound has no KL that the specification weighs.
    """
    term = bound if spec.beta == 1 else f"weighted_{bound}"
    if term not in found:
        raise ValueError(f"bound '{bound}' has no KL that beta = {spec.beta} could weigh")
    return spec.families.decoder_weights.objective(spec, found[term].sum(BATCH), found, bound)
