"""The trained VAE in every backend against the definition: the same tolerance rule as of every other cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ...notations.registry import notations
from ...notations.roles import ROLES
from ...reference import oracle
from ...reference.comparison import Comparison, compare
from ...reference.problem import Array, Problem
from ...reference.spec import Spec
from ...reference.tolerance import K
from .. import digits_truth as truth
from ..digits import MODELS, NOTATION
from .truth import Agreement, Tensors, agreement_of

CASE = "trained VAE"


def expectations(
    problems: Mapping[str, Problem], latents: Mapping[str, Array], fitted: Mapping[str, Array]
) -> dict[str, tuple[Array, float]]:
    """Tensor of `readings.read_digits` → (what it is, how far rounding may move it)."""
    found: dict[str, tuple[Array, float]] = {}
    defined = _defined(problems["learned"].spec)
    for name, problem in problems.items():
        scales = oracle.noise_scale(problem, "float64")
        for tensor, value in oracle.evaluate(problem).items():
            if tensor in defined or tensor.startswith("gradient/"):
                found[f"{name}/{tensor}"] = value, K * scales[tensor]
        if MODELS[name].scored:
            # log-mean-exp moves by no more than its largest argument does: the tolerance is that of one log weight.
            found[f"{name}/log_likelihoods"] = truth.log_likelihoods(problem), K * scales["elbo_monte_carlo"]
        if MODELS[name].decoded:
            for points, z in latents.items():
                logits = truth.decoded(problem.spec, problem.weights, z)
                found[f"decoded/{name}/{points}"] = logits, K * scales["decoder_logits"]
    trained = problems["learned"]
    for net, entered in {"decoder": latents["prior"][:1], "encoder": trained.x[:1]}.items():
        slopes, scales = truth.net_gradient_scale(trained.spec, trained.weights, net, entered)
        found |= {f"reads/{net}/{weight}": (slope, K * scales[weight]) for weight, slope in slopes.items()}
    kl, scale = truth.marginal_kl(fitted)
    found["fitted/kl"] = np.array(kl), K * scale
    return found


def _defined(spec: Spec) -> set[str]:
    """The canonical tensors that the notation defines: the others are not asked of it."""
    roles = [ROLES[symbol.role] for symbol in notations()[NOTATION].computed(spec)]
    return {role.tensor for role in roles if role.tensor} | {"objective"}


def agreements(expected: Mapping[str, tuple[Array, float]], found: Mapping[str, Tensors]) -> list[Agreement]:
    """Every backend against the definition."""
    return [agreement_of(CASE, backend, list(_compared(expected, tensors))) for backend, tensors in found.items()]


def _compared(expected: Mapping[str, tuple[Array, float]], found: Tensors) -> Iterator[tuple[Comparison, int]]:
    for name, (value, tolerance) in expected.items():
        yield compare(name, found.get(name, np.empty(0)), value, tolerance, "float64"), value.size
