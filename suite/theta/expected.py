"""The reference and its tolerances, for the small models and the trained VAE: the definition, over a tape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial, reduce
from operator import add

import numpy as np

from ..notations.registry import notations
from ..notations.roles import ROLES
from ..reference import oracle
from ..reference.arithmetic import Arithmetic, Array, Exact
from ..reference.networks import decode, encode
from ..reference.node import LATENT
from ..reference.problem import Problem
from ..reference.spec import Spec
from ..reference.tape import Tape
from ..reference.tolerance import K
from ..reference.truth import Truth
from ..reference.weights import weight_shapes
from .cases import Case, Evaluation, evaluations
from .digits import DECODED, NOTATION, SCORED
from .models import Linear
from .plan import DIGITS_AT_ONCE, SAMPLES, SAMPLES_AT_ONCE, importance_noise

DTYPE = "float64"

Tensors = Mapping[str, Array]


def truth_of(cases: Iterable[Case]) -> Truth:
    """Values and derivatives of every evaluation, as `densities.evaluate_cases` names them."""
    references: dict[str, tuple[Array, float]] = {}
    for case in cases:
        for evaluation in evaluations(case):
            references |= _with_tolerances(partial(evaluate, case, evaluation), f"{case.name}/{evaluation.key}/")
    return _truth(references)


def evaluate(case: Case, evaluation: Evaluation, arithmetic: Arithmetic) -> dict[str, Array]:
    """`value/<row>` [run], and `gradient/<weight>/<row>` [run, ...] if the evaluation has derivatives."""
    tape = Tape(arithmetic)
    w = {name: tape.input(weight, wanted=evaluation.gradients) for name, weight in evaluation.weights.items()}
    rows = case.model.rows(w, tape.input(evaluation.x), tape.input(evaluation.z))
    tensors = {f"value/{row}": node.value for row, node in rows.items()}
    if evaluation.gradients:
        slopes = {row: dict(zip(w, tape.backward(node, list(w.values())), strict=True)) for row, node in rows.items()}
        tensors |= {f"gradient/{name}/{row}": slope[name] for name in w for row, slope in slopes.items()}
    return tensors


def _with_tolerances(compute: oracle.Compute, prefix: str = "") -> dict[str, tuple[Array, float]]:
    """Tensor, after a prefix → its reference, and K times its N. Where N is 0, as of an exact zero, so is that."""
    scales = oracle.largest_deviations(compute, DTYPE, numbers=1)
    return {f"{prefix}{name}": (value[0], K * scales[name]) for name, value in compute(Exact()).items()}


def _truth(references: Mapping[str, tuple[Array, float]]) -> Truth:
    return Truth({n: value for n, (value, _) in references.items()}, {n: k for n, (_, k) in references.items()}, DTYPE)


def expectations(problems: Mapping[str, Problem], latents: Tensors, fitted: Tensors) -> Truth:
    """The tensors of `readings.read_digits`."""
    references: dict[str, tuple[Array, float]] = {}
    defined = _defined(problems["learned"].spec)
    for name, problem in problems.items():
        scales = oracle.noise_scale(problem, DTYPE)
        for tensor, value in oracle.evaluate(problem).items():
            if tensor in defined or tensor.startswith("gradient/"):
                references[f"{name}/{tensor}"] = value, K * scales[tensor]
        if name in SCORED:
            # log-mean-exp moves by no more than its largest argument does: the tolerance is that of one log weight.
            references[f"{name}/log_likelihoods"] = log_likelihoods(problem), K * scales["elbo_monte_carlo"]
        if name in DECODED:
            for points, z in latents.items():
                logits = decoded(problem.spec, problem.weights, z)
                references[f"decoded/{name}/{points}"] = logits, K * scales["decoder_logits"]
    trained = problems["learned"]
    for net, entered in {"decoder": latents["prior"][:1], "encoder": trained.x[:1]}.items():
        gradients = partial(net_gradients, trained.spec, trained.weights, net, entered)
        references |= _with_tolerances(gradients, f"reads/{net}/")
    references |= _with_tolerances(partial(marginal_kl, fitted), "fitted/")
    return _truth(references)


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


def log_likelihoods(problem: Problem) -> Array:
    """What `measure.trainings.log_likelihoods` estimates with the same draws, by the oracle: [batch], nats."""
    chunks = []
    for first in range(0, len(problem.x), DIGITS_AT_ONCE):
        x = problem.x[first : first + DIGITS_AT_ONCE]
        parts = [
            oracle.evaluate(replace(problem, x=x, noise=noise), gradients=False)["iwae"]
            for noise in importance_noise(first, len(x), problem.spec.latent_dim)
        ]
        assert len(parts) * SAMPLES_AT_ONCE == SAMPLES
        largest = np.max(parts, axis=0)
        chunks.append(np.log(np.mean(np.exp(parts - largest), axis=0)) + largest)
    return np.concatenate(chunks)


def marginal_kl(weights: Tensors, arithmetic: Arithmetic) -> dict[str, Array]:
    """`kl`: KL(p(x) ‖ p(z)) of `digits.fitted`, in nats: [run]."""
    tape = Tape(arithmetic)
    return {"kl": Linear().marginal_kl({name: tape.input(weight) for name, weight in weights.items()}).value}
