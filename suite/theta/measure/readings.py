"""The numbers of the four readings: outputs of a trained implementation, and the weights that they read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ...backends import Binding
from ...reference.problem import Array, load_problem, read_tensors
from ...workers.evaluation import evaluate
from ...workers.subject import Subject
from ..digits import DECODED, MODELS, NOTATION, SCORED
from ..functions import Tensor
from ..models import Linear
from .densities import own_module
from .trainings import log_likelihoods
from .vae import DTYPE, build, gradients, heads


def read_digits(binding: Binding, inputs: Path) -> dict[str, Array]:
    """All tensors that the readings need.

    Args:
        binding: the backend.
        inputs: the problems `MODELS`, `latents.safetensors`, `gaussian.json` and `fitted.safetensors`, as
            `phase.write_inputs` writes them.

    Returns:
        `<model>/<canonical tensor>` of every problem; `<model>/log_likelihoods` [batch] where it is to be scored;
        `decoded/<model>` [point, data], logits at given latents; `reads/<net>/<weight>`, the gradient of the net's
        summed outputs; `numbers/<what>` [], counts; `fitted/kl` [], nats.
    """
    problems = {name: load_problem(inputs / f"{name}.json") for name in (*MODELS, "gaussian")}
    latents = read_tensors(inputs / "latents.safetensors")
    vaes = {name: build(binding, NOTATION, problem.spec, problem.weights) for name, problem in problems.items()}
    tensors: dict[str, Array] = {}
    for name in MODELS:
        outcome = evaluate(vaes[name], problems[name], gradients=True)
        tensors |= {f"{name}/{tensor}": value for tensor, value in outcome.tensors.items()}
    for name in SCORED:
        tensors[f"{name}/log_likelihoods"] = log_likelihoods(vaes[name], problems[name].x)
    for name, (points, z) in product(DECODED, latents.items()):
        (logits,) = heads(vaes[name], "decoder")(binding.tensor(z, DTYPE))
        tensors[f"decoded/{name}/{points}"] = binding.array(logits)
    z, x = latents["prior"][:1], problems["learned"].x[:1]
    for net, tensor in {"decoder": z, "encoder": x}.items():
        tensors |= {f"reads/{net}/{name}": slope for name, slope in reads(vaes["learned"], net, tensor).items()}
        tensors[f"numbers/{net}"] = outputs(vaes["learned"], net, tensor)
    tensors["numbers/gaussian decoder"] = outputs(vaes["gaussian"], "decoder", z)
    tensors["fitted/kl"] = marginal_kl(binding, read_tensors(inputs / "fitted.safetensors"))
    return tensors


def reads(vae: Subject, net: str, tensor: Array) -> dict[str, Array]:
    """Canonical weight → the gradient, by it, of the sum of all outputs of a net for one input [1, ...]."""
    binding, outputs_of = vae.binding, heads(vae, net)
    slopes = gradients(vae, lambda value: sum(binding.total(head) for head in outputs_of(value)), "eager")
    return slopes(binding.tensor(tensor, DTYPE))


def outputs(vae: Subject, net: str, tensor: Array) -> Array:
    """How many numbers a net returns for one input [1, ...]: []."""
    every = heads(vae, net)(vae.binding.tensor(tensor, DTYPE))
    return np.array(float(sum(vae.binding.array(head).size for head in every)))


def marginal_kl(binding: Binding, weights: Mapping[str, Array]) -> Array:
    """KL(p(x) ‖ p(z)) of a fitted linear-Gaussian model with as many latents as pixels, in nats: []."""
    tensor = partial(Tensor, f=own_module(binding).FUNCTIONS, binding=binding)
    w: Any = {name: tensor(binding.tensor(weight, DTYPE)) for name, weight in weights.items()}
    return binding.array(Linear().marginal_kl(w).value)
