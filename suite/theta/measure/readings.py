"""The numbers of the four readings: outputs of a trained implementation, and the weights that they read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...backends import Binding
from ...reference.problem import Array, load_problem, read_tensors
from ...workers.evaluation import evaluate
from ..digits import DECODED, MODELS, NOTATION, SCORED
from ..functions import Tensor
from ..models import Linear
from .densities import own_module
from .trainings import log_likelihoods
from .vae import DTYPE, Vae


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
    problems = {name: load_problem(inputs / f"{name}.json") for name in MODELS}
    latents = read_tensors(inputs / "latents.safetensors")
    found: dict[str, Array] = {}
    for name, problem in problems.items():
        vae = Vae.build(binding, NOTATION, problem.spec, problem.weights)
        tensors = evaluate(vae.subject, problem, gradients=True).tensors
        found |= {f"{name}/{tensor}": value for tensor, value in tensors.items()}
        if name in SCORED:
            found[f"{name}/log_likelihoods"] = log_likelihoods(vae, problem.x)
        if name in DECODED:
            decoder = vae.heads("decoder")
            found |= {
                f"decoded/{name}/{points}": binding.array(decoder(binding.tensor(z, DTYPE))[0])
                for points, z in latents.items()
            }
    trained = problems["learned"]
    vae = Vae.build(binding, NOTATION, trained.spec, trained.weights)
    nets = {"decoder": latents["prior"][:1], "encoder": trained.x[:1]}
    for net, tensor in nets.items():
        found |= {f"reads/{net}/{name}": slope for name, slope in reads(vae, net, tensor).items()}
        found[f"numbers/{net}"] = np.array(float(outputs(vae, net, tensor)))
    gaussian = load_problem(inputs / "gaussian.json")
    other = Vae.build(binding, NOTATION, gaussian.spec, gaussian.weights)
    found["numbers/gaussian decoder"] = np.array(float(outputs(other, "decoder", latents["prior"][:1])))
    found["fitted/kl"] = marginal_kl(binding, read_tensors(inputs / "fitted.safetensors"))
    return found


def reads(vae: Vae, net: str, tensor: Array) -> dict[str, Array]:
    """Canonical weight → the gradient, by it, of the sum of all that a net returns for one input [1, ...]."""
    binding, heads = vae.binding, vae.heads(net)
    gradients = vae.gradients(lambda value: sum(binding.total(head) for head in heads(value)), "eager")
    return gradients(binding.tensor(tensor, DTYPE))


def outputs(vae: Vae, net: str, tensor: Array) -> int:
    """How many numbers a net returns for one input [1, ...]."""
    return sum(int(vae.binding.array(head).size) for head in vae.heads(net)(vae.binding.tensor(tensor, DTYPE)))


def marginal_kl(binding: Binding, weights: Mapping[str, Array]) -> Array:
    """KL(p(x) ‖ p(z)) of a fitted linear-Gaussian model with as many latents as pixels, in nats: []."""
    tensor = partial(Tensor, f=own_module(binding).FUNCTIONS, binding=binding)
    w: Any = {name: tensor(binding.tensor(weight, DTYPE)) for name, weight in weights.items()}
    return binding.array(Linear().marginal_kl(w).value)
