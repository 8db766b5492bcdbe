"""The reference in float64 NumPy and its tolerance, for the small models and the trained VAE.

Derivatives of the small models are taken by a complex step: Im f(w + ih)/h has no cancellation, so that h can be far
below eps, and it shares no code with any framework's differentiation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

import numpy as np

from ..notations.registry import notations
from ..notations.roles import ROLES
from ..reference import oracle
from ..reference.arithmetic import EPSILON, Arithmetic, Array, Exact, Perturbed
from ..reference.networks import decode, encode
from ..reference.node import LATENT
from ..reference.problem import Problem
from ..reference.spec import Spec
from ..reference.tape import Tape
from ..reference.tolerance import K
from ..reference.weights import weight_shapes
from .cases import Case, Evaluation, evaluations
from .digits import DECODED, NOTATION, SCORED
from .functions import Functions, exact, moved
from .models import ROWS, Linear
from .plan import DIGITS_AT_ONCE, SAMPLES, SAMPLES_AT_ONCE, importance_noise

STEP = 2.0**-100
RUNS = 16
"""Runs of the moved arithmetic; as many as in `oracle.noise_scale`."""

Tensors = Mapping[str, Array]


@dataclass(frozen=True)
class Truth:
    """Values and derivatives of every evaluation, as `densities.evaluate_cases` names them.

    Attributes:
        tensors: [row, ...] each.
        tolerances: [row] each: K times the N of that row. Where N is 0, as of an exact zero, nothing else is equal.
    """

    tensors: Tensors
    tolerances: Tensors


def truth_of(cases: Iterable[Case]) -> Truth:
    """In float64 NumPy, with derivatives by a complex step; N from moved runs of the same."""
    tensors: dict[str, Array] = {}
    tolerances: dict[str, Array] = {}
    for case in cases:
        for evaluation in evaluations(case):
            found = evaluate(case, evaluation)
            for name, scale in noise_scale(case, evaluation, found).items():
                tensors[f"{case.name}/{evaluation.key}/{name}"] = found[name]
                tolerances[f"{case.name}/{evaluation.key}/{name}"] = K * scale
    return Truth(tensors, tolerances)


def evaluate(case: Case, evaluation: Evaluation, f: Functions | None = None) -> dict[str, Array]:
    """`value` [row], in the order of `ROWS`, and `gradient/<weight>` [row, ...] if the evaluation wants them."""
    f = f or exact()
    tensors = {"value": _rows(case, evaluation, evaluation.weights, f).real}
    if evaluation.gradients:
        for name, weight in evaluation.weights.items():
            slope = np.empty((len(ROWS), weight.size))
            for i in range(weight.size):
                nudged = weight.astype(complex)
                nudged.reshape(-1)[i] += 1j * STEP
                slope[:, i] = _rows(case, evaluation, {**evaluation.weights, name: nudged}, f).imag / STEP
            tensors[f"gradient/{name}"] = slope.reshape(len(ROWS), *weight.shape)
    return tensors


def noise_scale(case: Case, evaluation: Evaluation, truth: Tensors, *, runs: int = RUNS) -> dict[str, Array]:
    """N of each tensor, row by row: the largest deviation from `truth` over seeded runs of the moved arithmetic.

    Returns:
        as `evaluate`, each [row]; of a gradient, the largest over the tensor's elements.
    """
    worst = {name: np.zeros(len(ROWS)) for name in truth}
    for seed in range(runs):
        for name, tensor in evaluate(case, evaluation, moved(seed)).items():
            deviation = np.abs(tensor - truth[name]).reshape(len(ROWS), -1).max(axis=1)
            worst[name] = np.maximum(worst[name], deviation)
    return worst


def _rows(case: Case, evaluation: Evaluation, weights: Mapping[str, Array], f: Functions) -> Array:
    inputs = {name: f.constant(weight) for name, weight in weights.items()}
    rows = case.model.rows(f, inputs, f.constant(evaluation.x), f.constant(evaluation.z))
    return np.array([np.asarray(row) for row in rows])


def expectations(problems: Mapping[str, Problem], latents: Tensors, fitted: Tensors) -> dict[str, tuple[Array, float]]:
    """Tensor of `readings.read_digits` → (its reference, its tolerance)."""
    found: dict[str, tuple[Array, float]] = {}
    defined = _defined(problems["learned"].spec)
    for name, problem in problems.items():
        scales = oracle.noise_scale(problem, "float64")
        for tensor, value in oracle.evaluate(problem).items():
            if tensor in defined or tensor.startswith("gradient/"):
                found[f"{name}/{tensor}"] = value, K * scales[tensor]
        if name in SCORED:
            # log-mean-exp moves by no more than its largest argument does: the tolerance is that of one log weight.
            found[f"{name}/log_likelihoods"] = log_likelihoods(problem), K * scales["elbo_monte_carlo"]
        if name in DECODED:
            for points, z in latents.items():
                logits = decoded(problem.spec, problem.weights, z)
                found[f"decoded/{name}/{points}"] = logits, K * scales["decoder_logits"]
    trained = problems["learned"]
    for net, entered in {"decoder": latents["prior"][:1], "encoder": trained.x[:1]}.items():
        slopes, scales = net_gradient_scale(trained.spec, trained.weights, net, entered)
        found |= {f"reads/{net}/{weight}": (slope, K * scales[weight]) for weight, slope in slopes.items()}
    kl, scale = marginal_kl(fitted)
    found["fitted/kl"] = np.array(kl), K * scale
    return found


def _defined(spec: Spec) -> set[str]:
    """The canonical tensors that the notation defines: the others are not asked of it."""
    roles = [ROLES[symbol.role] for symbol in notations()[NOTATION].computed(spec)]
    return {role.tensor for role in roles if role.tensor} | {"objective"}


def decoded(spec: Spec, weights: Tensors, z: Array) -> Array:
    """z [point, latent] → the decoder's logits: [point, data]."""
    tape = Tape(Exact())
    nodes = {name: tape.input(weights[name]) for name in weight_shapes(spec)}
    return np.asarray(decode(spec, tape.input(z), nodes)["logits"].value[0])


def net_gradients(spec: Spec, weights: Tensors, net: str, tensor: Array, arithmetic: Arithmetic) -> dict[str, Array]:
    """Gradients of the sum of all that a net returns for inputs [row, ...]: [run, ...] by canonical weight."""
    tape = Tape(arithmetic)
    nodes = {name: tape.input(weights[name], wanted=True) for name in weight_shapes(spec)}
    entered = tape.input(tensor)
    heads = (decode if net == "decoder" else encode)(spec, entered, nodes)
    total = reduce(add, (head.sum(LATENT) for head in heads.values()))
    return dict(zip(nodes, tape.backward(total, list(nodes.values())), strict=True))


def net_gradient_scale(
    spec: Spec, weights: Tensors, net: str, tensor: Array
) -> tuple[dict[str, Array], dict[str, float]]:
    """`net_gradients` exactly, and the N of each."""
    truth = {name: slope[0] for name, slope in net_gradients(spec, weights, net, tensor, Exact()).items()}
    runs = net_gradients(spec, weights, net, tensor, Perturbed(EPSILON["float64"], RUNS, 0))
    return truth, {name: float(np.abs(slope - truth[name]).max()) for name, slope in runs.items()}


def log_likelihoods(problem: Problem) -> Array:
    """What `measure.trainings.log_likelihoods` estimates with the same draws, by the oracle: [batch], nats."""
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


def marginal_kl(weights: Tensors) -> tuple[float, float]:
    """KL(p(x) ‖ p(z)) of `digits.fitted`, in nats, and its N."""
    model = Linear()
    truth = float(model.marginal_kl(exact(), weights))
    runs = []
    for seed in range(RUNS):
        f = moved(seed)
        runs.append(float(model.marginal_kl(f, {name: f.constant(weight) for name, weight in weights.items()})))
    return truth, max(abs(run - truth) for run in runs)
