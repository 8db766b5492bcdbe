"""The definition: every canonical tensor of a problem, in float64 NumPy, exactly or with perturbed arithmetic.

Terms are per example, in nats, with every constant kept; gradients are of the batch's summed `elbo`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from .arithmetic import EPSILON, SMALLEST_NORMAL, Arithmetic, Array, Exact, Perturbed
from .errors import BadInput
from .networks import decode, encode, widest
from .problem import Problem
from .spec import Spec, weight_shapes
from .tape import Node, Tape

Update = Callable[[Arithmetic, dict[str, Array], dict[str, Array]], dict[str, Array]]

# Runs are made in groups whose largest tensor stays below this many numbers (32 MiB), however large the batch.
GROUP = 1 << 22


def evaluate(problem: Problem, *, gradients: bool = True) -> dict[str, Array]:
    """All canonical tensors in the order of data flow.

    Returns:
        posterior_mean, posterior_log_variance [batch, latent]; latent [sample, batch, latent]; decoder_logits or
        decoder_mean (and decoder_log_variance) [sample, batch, data]; log_likelihood, kl, elbo, elbo_monte_carlo and
        iwae [batch]; objective [], the sum of elbo over the batch; then, if wanted, `gradient/<canonical weight>`,
        shaped like the weight.
    """
    tensors = run(problem.spec, problem.x, problem.noise, problem.weights, Exact(), gradients=gradients)
    return {name: np.asarray(tensor[0], order="C") for name, tensor in tensors.items()}


def noise_scale(
    problem: Problem, dtype: str, *, gradients: bool = True, runs: int = 16, seed: int = 0
) -> dict[str, float]:
    """N of each canonical tensor: the largest absolute deviation from `evaluate` over the tensor and all seeded runs.

    Raises:
        BadInput: the dtype is unknown.
    """
    epsilon = _epsilon(dtype)
    exact = evaluate(problem, gradients=gradients)
    worst = dict.fromkeys(exact, 0.0)
    step = min(runs, max(1, GROUP // (problem.noise.shape[0] * problem.x.shape[0] * widest(problem.spec))))
    for first in range(0, runs, step):
        arithmetic = Perturbed(epsilon, min(step, runs - first), (seed, first), SMALLEST_NORMAL[dtype])
        tensors = run(problem.spec, problem.x, problem.noise, problem.weights, arithmetic, gradients=gradients)
        for name, tensor in tensors.items():
            with np.errstate(invalid="ignore"):
                deviation = np.abs(tensor - exact[name]).max()
            # np.maximum, unlike max, keeps a NaN: a tolerance that nothing meets, rather than a silently small one
            worst[name] = float(np.maximum(worst[name], deviation))
    return worst


def rounded(problem: Problem, dtype: str) -> Problem:
    """The problem with data, noise and weights rounded to `dtype`, kept as float64: truth below float64 is taken there.

    Raises:
        BadInput: the dtype is unknown.
    """
    _epsilon(dtype)
    weights = {name: _round_to(weight, dtype) for name, weight in problem.weights.items()}
    x, noise = _round_to(problem.x, dtype), _round_to(problem.noise, dtype)
    if dtype == "float64":
        return problem
    return replace(problem, x=x, noise=noise, weights=weights, expected_terms={}, expected_gradients={})


def _epsilon(dtype: str) -> float:
    if dtype not in EPSILON:
        raise BadInput(f"dtype: expected one of {', '.join(EPSILON)}; found {dtype!r}")
    return EPSILON[dtype]


def _round_to(values: Array, dtype: str) -> Array:
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
        tensors = run(spec, x, noise, current, arithmetic, carries_run=True)
        current = update(arithmetic, current, {name: tensors[f"gradient/{name}"] for name in current})
        yield tensors["elbo"].sum(axis=1), current


def run(
    spec: Spec,
    x: Array,
    noise: Array,
    weights: Mapping[str, Array],
    arithmetic: Arithmetic,
    *,
    gradients: bool = True,
    carries_run: bool = False,
) -> dict[str, Array]:
    """`evaluate` in any arithmetic: each tensor with a leading axis `run`; so have the weights if `carries_run`."""
    tape = Tape(arithmetic)
    nodes = {name: tape.input(weights[name], wanted=gradients, carries_run=carries_run) for name in weight_shapes(spec)}
    # what overflows stays infinite or NaN, for the comparison to find: a warning here would only repeat it
    with np.errstate(over="ignore", invalid="ignore"):
        tensors = _terms(tape, spec, tape.input(x), tape.input(noise), nodes)
        values = {name: node.value for name, node in tensors.items()}
        if gradients:
            adjoints = tape.backward(tensors["elbo"], list(nodes.values()))
            values |= {f"gradient/{name}": adjoint for name, adjoint in zip(nodes, adjoints, strict=True)}
    return values


def _terms(tape: Tape, spec: Spec, x: Node, noise: Node, w: Mapping[str, Node]) -> dict[str, Node]:
    mean, log_variance = encode(tape, spec, x, w)
    latent = tape.add(mean, tape.mul(tape.exp(tape.scale(log_variance, 0.5)), noise))
    heads = decode(tape, spec, latent, w)
    likelihoods = _log_likelihood(tape, spec, x, heads)
    log_likelihood = tape.mean(likelihoods, axis=0)
    kl = _kl(tape, mean, log_variance, w)
    log_posterior = _log_posterior(tape, latent, noise, mean, log_variance)
    log_ratio = tape.sub(tape.add(likelihoods, _log_prior(tape, latent, w)), log_posterior)
    log_samples = tape.input(math.log(noise.value.shape[1]))
    elbo = tape.sub(log_likelihood, kl)
    return {
        "posterior_mean": mean,
        "posterior_log_variance": log_variance,
        "latent": latent,
        **{f"decoder_{name}": head for name, head in heads.items()},
        "log_likelihood": log_likelihood,
        "kl": kl,
        "elbo": elbo,
        "elbo_monte_carlo": tape.mean(log_ratio, axis=0),
        "iwae": tape.sub(tape.logsumexp(log_ratio, axis=0), log_samples),
        "objective": tape.sum(elbo, axis=-1),
    }


def _log_normal(tape: Tape, log_variance: Node, squares: Node) -> Node:
    """−½ Σ (log 2π + log σ² + squares) over the last axis; squares are (value − mean)²/σ²."""
    constant = tape.add(tape.input(math.log(2 * math.pi)), log_variance)
    return tape.scale(tape.sum(tape.add(constant, squares), axis=-1), -0.5)


def _squares(tape: Tape, value: Node, mean: Node, log_variance: Node) -> Node:
    difference = tape.sub(value, mean)
    return tape.mul(tape.mul(difference, difference), tape.exp(tape.scale(log_variance, -1.0)))


def _log_likelihood(tape: Tape, spec: Spec, x: Node, heads: Mapping[str, Node]) -> Node:
    """log p(x|z) [sample, batch]."""
    if spec.likelihood == "bernoulli":
        return tape.sum(tape.bernoulli(heads["logits"], x), axis=-1)
    if spec.likelihood == "gaussian":
        log_variance = heads["log_variance"]
        return _log_normal(tape, log_variance, _squares(tape, x, heads["mean"], log_variance))
    assert spec.variance is not None
    difference = tape.sub(x, heads["mean"])
    squares = tape.mul(tape.mul(difference, difference), tape.input(1 / spec.variance))
    return _log_normal(tape, tape.input(math.log(spec.variance)), squares)


def _log_prior(tape: Tape, latent: Node, w: Mapping[str, Node]) -> Node:
    """log p(z) [sample, batch]."""
    if "prior.mean" not in w:
        return _log_normal(tape, tape.input(0.0), tape.mul(latent, latent))
    log_variance = w["prior.log_variance"]
    return _log_normal(tape, log_variance, _squares(tape, latent, w["prior.mean"], log_variance))


def _log_posterior(tape: Tape, latent: Node, noise: Node, mean: Node, log_variance: Node) -> Node:
    """log q(z|x) [sample, batch]. (z − mean)/σ is the noise: the truth takes it from there, without cancellation.

    Sources evaluate the density at z, and a narrow posterior then loses digits: the perturbed runs do as they do.
    """
    exact = tape.arithmetic.exact
    squares = tape.mul(noise, noise) if exact else _squares(tape, latent, mean, log_variance)
    return _log_normal(tape, log_variance, squares)


def _kl(tape: Tape, mean: Node, log_variance: Node, w: Mapping[str, Node]) -> Node:
    """KL(q(z|x) ‖ p(z)) [batch], the closed form."""
    one = tape.input(1.0)
    if "prior.mean" not in w:
        moments = tape.add(tape.exp(log_variance), tape.mul(mean, mean))
        return tape.scale(tape.sum(tape.sub(tape.sub(moments, log_variance), one), axis=-1), 0.5)
    difference = tape.sub(mean, w["prior.mean"])
    moments = tape.add(tape.exp(log_variance), tape.mul(difference, difference))
    ratio = tape.mul(moments, tape.exp(tape.scale(w["prior.log_variance"], -1.0)))
    logs = tape.sub(w["prior.log_variance"], log_variance)
    return tape.scale(tape.sum(tape.sub(tape.add(ratio, logs), one), axis=-1), 0.5)
