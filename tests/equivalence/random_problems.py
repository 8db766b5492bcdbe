"""Seeded random problems, all of them correct: what no cell may be accused on.

Sizes come from a small set, since JAX compiles each operation once per shape; everything else varies freely.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from elbostone.definition.oracle import evaluate
from elbostone.definition.problem import Problem
from elbostone.definition.random import fan_in
from elbostone.definition.spec import ACTIVATIONS, LIKELIHOODS, PRIORS, Spec
from elbostone.definition.weights import weight_axes, weight_shapes

Array = NDArray[np.float64]

COUNT = 500
SEED = 20131220
DEPTH = 6
SCALE = 3.0
#: What log σ² of the posterior (and of a Gaussian decoder) stays within: 14 below to 6 above zero.
LOG_VARIANCE = (-14.0, 6.0)

DATA = (4, 12)
HIDDEN = (4, 12)
LATENT = (4,)
ROWS = ((1, 3), (4, 1), (8, 2))  # batch, samples
#: image_shape, channels, hidden, latent, batch, samples
IMAGES = (
    ((1, 4, 4), (3,), 4, 4, 8, 2),
    ((2, 4, 8), (2, 4), 12, 4, 1, 3),
)
#: Of ten problems: any multilayer perceptron, one that every notation can write, images.
FAMILIES = (*["any"] * 6, *["plain"] * 3, "image")


def random_problems(count: int = COUNT) -> Iterator[Problem]:
    """The first `count` problems; each is the same however many are asked for."""
    for number in range(count):
        yield _problem(f"random-{number:03}", FAMILIES[number % len(FAMILIES)], np.random.default_rng((SEED, number)))


def _problem(name: str, family: str, random: np.random.Generator) -> Problem:
    spec, batch, samples = _spec(family, random)
    noise = random.standard_normal((samples, batch, spec.latent_dim))
    problem = Problem(name, spec, _data(spec, batch, random), noise, _weights(spec, random))
    problem = _within(problem, "posterior_log_variance", "encoder.log_variance", random)
    if spec.likelihood == "gaussian":
        problem = _within(problem, "decoder_log_variance", "decoder.log_variance", random)
    return problem


def _spec(family: str, random: np.random.Generator) -> tuple[Spec, int, int]:
    """A specification, the batch size and the number of samples."""
    plain = ("bernoulli", "standard", ("tanh", "relu")[random.integers(2)])
    if family == "image":
        image, channels, hidden, latent, batch, samples = IMAGES[random.integers(len(IMAGES))]
        sizes = ((hidden,), int(np.prod(image)), latent)
        return Spec("conv", *plain, *sizes, image_shape=image, channels=channels), batch, samples
    batch, samples = ROWS[random.integers(len(ROWS))]
    likelihood, prior, activation = plain
    depth = 1
    if family == "any":
        likelihood = LIKELIHOODS[random.integers(len(LIKELIHOODS))]
        prior = PRIORS[random.integers(len(PRIORS))]
        activation = ACTIVATIONS[random.integers(len(ACTIVATIONS))]
        depth = int(random.integers(1, DEPTH + 1))
    hidden_widths = tuple(int(width) for width in random.choice(HIDDEN, depth))
    sizes = (hidden_widths, int(random.choice(DATA)), int(random.choice(LATENT)))
    variance = float(np.exp(random.uniform(-4, 2))) if likelihood == "gaussian-fixed" else None
    return Spec("mlp", likelihood, prior, activation, *sizes, variance=variance), batch, samples


def _data(spec: Spec, batch: int, random: np.random.Generator) -> Array:
    """x [batch, data]: binary, grey, or grey with pixels that are entirely off or on; any number under a Gaussian."""
    shape = (batch, spec.data_dim)
    if spec.likelihood != "bernoulli":
        return random.standard_normal(shape) * np.exp(random.uniform(-2, 1))
    grey = random.random(shape)
    return (grey.round(), grey, np.clip(2 * grey - 0.5, 0, 1))[random.integers(3)]


def _weights(spec: Spec, random: np.random.Generator) -> dict[str, Array]:
    """Normal weights of standard deviation scale/√fan_in, one scale per problem; biases, and a prior, of scale/3."""
    scale = random.uniform(0.1, SCALE)
    axes = weight_axes(spec)
    weights = {}
    for name, shape in weight_shapes(spec).items():
        sd = scale / np.sqrt(fan_in(axes[name], shape)) if name.endswith(".weight") else scale / 3
        weights[name] = random.standard_normal(shape) * sd
    return weights


def _within(problem: Problem, tensor: str, head: str, random: np.random.Generator) -> Problem:
    """The problem with a log-variance head scaled down and shifted until its output fills or fits a random interval."""
    low, high = np.sort(random.uniform(*LOG_VARIANCE, 2))
    found = evaluate(problem, gradients=False)[tensor]
    factor = min(1.0, (high - low) / max(np.ptp(found), 1e-9))
    start = low + random.random() * (high - low - factor * np.ptp(found))
    weight, bias = (problem.weights[f"{head}.{part}"] for part in ("weight", "bias"))
    moved = {f"{head}.weight": factor * weight, f"{head}.bias": factor * (bias - found.min()) + start}
    return replace(problem, weights={**problem.weights, **moved})
