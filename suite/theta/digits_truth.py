"""The definition's own answer to what the readings ask of a trained model, in exact or perturbed arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np

from ..reference import oracle
from ..reference.arithmetic import Arithmetic, Array, Exact, Perturbed
from ..reference.networks import decode, encode
from ..reference.node import LATENT
from ..reference.problem import Problem
from ..reference.spec import Spec
from ..reference.tape import Tape
from ..reference.weights import weight_shapes
from . import expected_rows
from .functions import exact, moved
from .models import Linear
from .training_plan import DIGITS_AT_ONCE, SAMPLES, SAMPLES_AT_ONCE, importance_noise

Weights = Mapping[str, Array]
EPSILON = 2.0**-52


def decoded(spec: Spec, weights: Weights, z: Array) -> Array:
    """z [point, latent] → the decoder's logits: [point, data]."""
    tape = Tape(Exact())
    nodes = {name: tape.input(weights[name]) for name in weight_shapes(spec)}
    return np.asarray(decode(spec, tape.input(z), nodes)["logits"].value[0])


def net_gradients(spec: Spec, weights: Weights, net: str, tensor: Array, arithmetic: Arithmetic) -> dict[str, Array]:
    """Gradients of the sum of all that a net returns for inputs [row, ...]: [run, ...] by canonical weight."""
    tape = Tape(arithmetic)
    nodes = {name: tape.input(weights[name], wanted=True) for name in weight_shapes(spec)}
    entered = tape.input(tensor)
    heads = (decode if net == "decoder" else encode)(spec, entered, nodes)
    total = reduce(add, (head.sum(LATENT) for head in heads.values()))
    return dict(zip(nodes, tape.backward(total, list(nodes.values())), strict=True))


def net_gradient_scale(
    spec: Spec, weights: Weights, net: str, tensor: Array
) -> tuple[dict[str, Array], dict[str, float]]:
    """`net_gradients` exactly, and the N of each."""
    truth = {name: slope[0] for name, slope in net_gradients(spec, weights, net, tensor, Exact()).items()}
    runs = net_gradients(spec, weights, net, tensor, Perturbed(EPSILON, expected_rows.RUNS, 0))
    return truth, {name: float(np.abs(slope - truth[name]).max()) for name, slope in runs.items()}


def log_likelihoods(problem: Problem) -> Array:
    """What `execution.theta.training.log_likelihoods` estimates with the same draws, by the oracle: [batch], nats."""
    found = []
    for first in range(0, len(problem.x), DIGITS_AT_ONCE):
        x = problem.x[first : first + DIGITS_AT_ONCE]
        parts = [
            oracle.evaluate(replace(problem, x=x, noise=noise), gradients=False)["iwae"]
            for noise in importance_noise(first, len(x), problem.spec.latent_dim)
        ]
        assert len(parts) * SAMPLES_AT_ONCE == SAMPLES
        largest = np.max(parts, axis=0)
        found.append(np.log(np.mean(np.exp(parts - largest), axis=0)) + largest)
    return np.concatenate(found)


def marginal_kl(weights: Weights) -> tuple[float, float]:
    """KL(p(x) ‖ p(z)) of `digits.fitted`, in nats, and its N."""
    model = Linear(len(weights["decoder.mean.bias"]), learned=False)
    truth = float(model.marginal_kl(exact(), weights))
    runs = []
    for seed in range(expected_rows.RUNS):
        f = moved(seed)
        runs.append(float(model.marginal_kl(f, {name: f.constant(weight) for name, weight in weights.items()})))
    return truth, max(abs(run - truth) for run in runs)
