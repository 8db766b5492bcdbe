"""The trained VAE of the readings and models that are derived from it, each a problem on the digits for the oracle."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..reference.data import digits
from ..reference.problem import Array, Problem
from ..reference.spec import Spec
from ..reference.weights import weight_shapes
from .plan import BY_NAME, SEEDS, start

Weights = Mapping[str, Array]

REGIME = BY_NAME["learned"]
NOTATION = REGIME.notation
BATCH = 40
"""Held-out digits that every model is evaluated on."""
PRIOR_DRAWS = 4096
FITTED_VARIANCE = 0.02
"""The noise variance in the linear-Gaussian model: between the grey digits' smallest and largest variances."""


MODELS = ("learned", "frozen", "start", "permuted", "bent")
SCORED = ("learned", "frozen")
"""Models whose held-out log-likelihood is estimated."""
DECODED = ("learned", "bent")
"""Models whose logits are computed at the given latents."""


def problems(trained: Mapping[str, Weights], held_out: Array) -> dict[str, Problem]:
    """The models by name, on the same digits and noise.

    Args:
        trained: canonical weights of `learned` and `frozen`.
        held_out: [data count, data].
    """
    x = held_out[:BATCH]
    noise = np.random.default_rng(5).standard_normal((1, len(x), REGIME.spec.latent_dim))
    weights: dict[str, Weights] = {
        "learned": trained["learned"],
        "frozen": trained["frozen"],
        "start": start(REGIME, SEEDS[0]),
        "permuted": permuted(trained["learned"]),
        "bent": bent(trained["learned"], latents()["point"][0]),
    }
    return {name: Problem(name, REGIME.spec, x, noise, weights[name]) for name in MODELS}


def latents() -> dict[str, Array]:
    """Where decoders are read: `prior`, draws of N(0, I), and `point`, one more: [point, latent] each."""
    generator = np.random.default_rng(6)
    size = REGIME.spec.latent_dim
    return {"prior": generator.standard_normal((PRIOR_DRAWS, size)), "point": generator.standard_normal((1, size))}


def permuted(weights: Weights) -> dict[str, Array]:
    """Another θ with the same joint: the decoder's hidden units in reverse order."""
    return {
        **weights,
        "decoder.hidden.0.weight": weights["decoder.hidden.0.weight"][::-1].copy(),
        "decoder.hidden.0.bias": weights["decoder.hidden.0.bias"][::-1].copy(),
        "decoder.logits.weight": weights["decoder.logits.weight"][:, ::-1].copy(),
    }


def bent(weights: Weights, z: Array) -> dict[str, Array]:
    """Another θ with the same η at z [latent], and another at every other one: W + Δ and b − Δz in the first layer."""
    weight, bias = weights["decoder.hidden.0.weight"], weights["decoder.hidden.0.bias"]
    delta = 0.3 * np.random.default_rng(7).standard_normal(weight.shape)
    return {**weights, "decoder.hidden.0.weight": weight + delta, "decoder.hidden.0.bias": bias - delta @ z}


def gaussian() -> Problem:
    """The same notation with a Gaussian p(x|z), untrained: only its outputs are counted."""
    spec = Spec("mlp", "gaussian", "standard", "tanh", REGIME.spec.hidden, REGIME.spec.data_dim, REGIME.spec.latent_dim)
    generator = np.random.default_rng(8)
    weights = {name: 0.1 * generator.standard_normal(shape) for name, shape in weight_shapes(spec).items()}
    return Problem("gaussian", spec, np.zeros((1, spec.data_dim)), np.zeros((1, 1, spec.latent_dim)), weights)


def fitted() -> dict[str, Array]:
    """Weights of `models.Linear` with J = D, fitted to the grey digits by maximum likelihood in closed form.

    With the noise's variance v given, b is the mean and W = U(Λ − vI)₊^½ of the covariance UΛUᵀ (M. E. Tipping and
    C. M. Bishop, Probabilistic Principal Component Analysis, JRSS B 61, 1999, section 3.2).
    """
    images = digits(binarised=False)
    values, vectors = np.linalg.eigh(np.cov(images.T, bias=True))
    weight = vectors * np.sqrt(np.maximum(values - FITTED_VARIANCE, 0))
    return {
        "decoder.mean.weight": weight,
        "decoder.mean.bias": images.mean(axis=0),
        "decoder.log_variance": np.log([FITTED_VARIANCE]),
    }
