"""One specification per family of models, and problems of any of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from elbostone.reference.parsing import parse_spec
from elbostone.reference.problem import Problem
from elbostone.reference.spec import Spec
from elbostone.reference.weights import drawn_shapes, weight_shapes

MLP: dict[str, Any] = {
    "network": "mlp", "likelihood": "bernoulli", "prior": "standard", "activation": "tanh",
    "hidden": [5, 4], "data_dim": 6, "latent_dim": 3,
}  # fmt: skip
GAUSSIAN = MLP | {"likelihood": "gaussian", "prior": "learned", "activation": "softplus"}
FIXED = MLP | {"likelihood": "gaussian-fixed", "variance": 0.7, "activation": "relu"}
CONV = MLP | {"network": "conv", "hidden": [4], "data_dim": 16, "image_shape": [1, 4, 4], "channels": [2]}
PLAIN = {"mlp-bernoulli": MLP, "mlp-gaussian": GAUSSIAN, "mlp-gaussian-fixed": FIXED, "conv-bernoulli": CONV}

VAMP = {"prior": "vamp", "components": 5}
SHALLOW = MLP | {"hidden": [4]}
FAMILIES = {
    "isotropic": MLP | {"posterior": "isotropic"},
    "isotropic-learned": GAUSSIAN | {"posterior": "isotropic"},
    "full": MLP | {"posterior": "full"},
    "full-learned": GAUSSIAN | {"posterior": "full"},
    "rank-one": MLP | {"posterior": "rank-one"},
    "rank-one-learned": GAUSSIAN | {"posterior": "rank-one"},
    "rank-one-layers": MLP | {"posterior": "rank-one", "latents": [2, 1]},
    "free": MLP | {"posterior": "free", "data_count": 3},
    "free-learned": GAUSSIAN | {"posterior": "free", "data_count": 3},
    "vamp": MLP | VAMP,
    "vamp-isotropic": MLP | VAMP | {"posterior": "isotropic", "likelihood": "gaussian"},
    "vamp-gated": MLP | VAMP | {"activation": "gated"},
    "gated": FIXED | {"activation": "gated"},
    "layers-one": SHALLOW | {"latents": [3]},
    "layers-two": MLP | {"latents": [2, 1]},
    "layers-three": SHALLOW | {"latents": [1, 1, 1], "likelihood": "gaussian", "activation": "gated"},
    "chain-two": MLP | {"chain": [2, 1]},
    "chain-three": SHALLOW | {"chain": [1, 1, 1], "likelihood": "gaussian", "activation": "softplus"},
    "full-vb": SHALLOW | {"decoder_weights": "posterior", "data_count": 8},
    "global": GAUSSIAN | {"posterior": "free", "decoder_weights": "posterior", "data_count": 3},
    "beta": MLP | {"beta": 4.0},
    "beta-vamp": MLP | VAMP | {"beta": 0.25},
}
EVERY = PLAIN | FAMILIES


def bounds_of(spec: Spec) -> tuple[str, ...]:
    """The bounds that an objective can reduce: an importance weighted one has no KL for β or for M/N to weigh."""
    both = ("elbo", "elbo_monte_carlo")
    return both if spec.beta != 1 or spec.decoder_weights == "posterior" else (*both, "iwae")


def draw(spec: dict[str, Any], seed: int = 0, *, batch: int = 3, samples: int = 2, scale: float = 0.6) -> Problem:
    """A problem with normal weights; those of a posterior over weights have variances about e⁻³."""
    random = np.random.default_rng(seed)
    parsed = parse_spec(spec, "test")
    weights = {name: scale * random.normal(size=shape) for name, shape in weight_shapes(parsed).items()}
    x = random.normal(size=(batch, parsed.data_dim))
    noise = random.normal(size=(samples, batch, parsed.latent_dim))
    x = (x > 0).astype(float) if spec["likelihood"] == "bernoulli" else x
    drawn = drawn_shapes(parsed)
    for name in drawn:
        weights[f"{name}.log_variance"] -= 3
    weight_noise = {name: random.normal(size=(samples, *shape)) for name, shape in drawn.items()}
    return Problem("test", parsed, x, noise, weights, weight_noise)


def with_weights(problem: Problem, **weights: np.ndarray) -> Problem:
    """The problem with other weights; a name's dots are written as double underscores."""
    return replace(
        problem, weights={**problem.weights, **{name.replace("__", "."): value for name, value in weights.items()}}
    )
