"""The training itself: models, minibatches, noise and steps, which are the same for every implementation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from ..notations.notation import Notation
from ..reference import oracle
from ..reference.adam import Adam
from ..reference.arithmetic import Arithmetic
from ..reference.data import digits
from ..reference.problem import Array, Problem
from ..reference.spec import Spec
from ..reference.weights import random_weights

SEED = 1
EPOCHS, BATCH, STEP_SIZE = 20, 200, 0.02
UNIT = Spec("mlp", "gaussian-fixed", "standard", "tanh", (32,), 64, 2, variance=1.0)
MODELS = {"bernoulli": replace(UNIT, likelihood="bernoulli", variance=None), "gaussian": UNIT}
"""The models 64-32-2 by name: a source whose decoder has weights without a posterior writes one of them."""
GREY = 4.0
"""Largest grey value where p(x|z) is Gaussian: with a variance of 1, digits from 0 to 1 would hardly differ."""

Weights = Mapping[str, Array]
"""Canonical name → [run, ...]."""


def problem_of(name: str) -> Problem:
    """A model with its first weights, on all digits, with the noise by which its bound is computed after each epoch."""
    spec = MODELS[name]
    x = digits(binarised=True) if spec.likelihood == "bernoulli" else GREY * digits(binarised=False)
    noise = np.random.default_rng(SEED).standard_normal((1, len(x), spec.latent_dim))
    return Problem(name, spec, x, noise, random_weights(spec, SEED))


def bound_of(notation: Notation) -> str:
    """The bound of a source's objective at one draw: the ELBO with the KL in closed form, or with the KL of the draw.

    With one draw, the importance-weighted bound is the latter.
    """
    return "elbo" if notation.objective.bound == "elbo" else "elbo_monte_carlo"


def minibatches(problem: Problem, epoch: int) -> Iterator[Problem]:
    """The digits in a new order for each epoch, with fresh noise; a last, incomplete minibatch is left out."""
    generator = np.random.default_rng((SEED, epoch))
    order = generator.permutation(len(problem.x))
    for rows in order[: len(order) // BATCH * BATCH].reshape(-1, BATCH):
        noise = generator.standard_normal((1, BATCH, problem.spec.latent_dim))
        yield replace(problem, x=problem.x[rows], noise=noise)


def ascend(
    problem: Problem,
    arithmetic: Arithmetic,
    epochs: int,
    gradients: Callable[[Problem, Weights], dict[str, Array]],
    mean_bound: Callable[[Problem, Weights], Array],
) -> tuple[list[Array], Weights]:
    """Train by Adam in NumPy, so that two trainings differ only in the code that computes the gradients.

    Args:
        problem: all digits, with the first weights.
        arithmetic: the arithmetic of the steps.
        epochs: the number of epochs.
        gradients: (minibatch, weights) → gradients of Σ_b bound_b, [run, ...].
        mean_bound: (all digits, weights) → mean bound in nats, [run].

    Returns:
        the mean bounds in nats, [run] each, before the first epoch and after each epoch; and the last weights.
    """
    weights: dict[str, Array] = {n: np.repeat(w[None], arithmetic.runs, axis=0) for n, w in problem.weights.items()}
    update = Adam(1 / BATCH, epsilon=1e-8, corrected=True, learning_rate=STEP_SIZE).update()
    bounds = [mean_bound(problem, weights)]
    for epoch in range(epochs):
        for part in minibatches(problem, epoch):
            weights = update(arithmetic, weights, gradients(part, weights))
        bounds.append(mean_bound(problem, weights))
    return bounds, weights


def train_reference(problem: Problem, bound: str, arithmetic: Arithmetic, epochs: int) -> tuple[list[Array], Weights]:
    """`ascend` by the reference's gradients; in perturbed arithmetic, the effect of rounding on a training."""

    def gradients(part: Problem, weights: Weights) -> dict[str, Array]:
        found = oracle.run(part, arithmetic, weights=weights, bound=bound)
        return {name: found[f"gradient/{name}"] for name in weights}

    def mean_bound(whole: Problem, weights: Weights) -> Array:
        return np.asarray(oracle.run(whole, arithmetic, weights=weights, gradients=False)[bound].mean(axis=1))

    return ascend(problem, arithmetic, epochs, gradients, mean_bound)
