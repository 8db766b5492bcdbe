"""Small models of given words, on which claims and equations are executed, and problems for them.

The sizes of axes are pairwise different, so that an axis by the wrong name, or a sum over a wrong axis, is seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from math import prod
from typing import Any

import numpy as np

from ..reference.families import BY_WORD
from ..reference.parsing import CHOICES, parse_spec
from ..reference.problem import Problem
from ..reference.spec import Spec
from ..reference.weights import drawn_shapes, random_weights
from .notation import Supports

SAMPLES, LATENT, HIDDEN, COMPONENTS, DATA, SECOND, COUNT = 2, 4, 5, 6, 7, 8, 11
IMAGE, CHANNELS = (1, 12, 8), (3, 9)
#: Number of latents → number of data, and sizes of the layers where there are several.
BATCH = {1: 2, LATENT: 3}
LAYERS = {1: (1,), LATENT: (3, 1)}
VARIANCE, BETA = 0.7, 2.5
SEED = 3


def model_of(words: Mapping[str, str], sizes: Mapping[str, Any]) -> Spec:
    """The model of one word for each condition.

    Args:
        words: condition → word.
        sizes: field of a specification → its value; a field that no family of these words has is left out.

    Raises:
        BadInput: the words do not go together.
    """
    own = {"hidden", "data_dim", "latent_dim"} | ({"beta"} if words["beta"] == "other" else set())
    own |= {name for condition, families in BY_WORD.items() for name in families[words[condition]].fields}
    chosen = {condition: words[condition] for condition in CHOICES}
    return parse_spec(chosen | {name: size for name, size in sizes.items() if name in own}, "model")


def small_model(
    words: Mapping[str, str],
    supports: Supports,
    *,
    latents: int = LATENT,
    depth: int = 1,
    variance: float | None = None,
) -> Spec:
    """The small model of one word for each condition.

    Args:
        words: condition → word.
        supports: its first constant variance is that of the decoder.
        latents: 1 or 4.
        depth: number of hidden layers.
        variance: the decoder's constant variance instead.

    Raises:
        BadInput: the words do not go together.
    """
    sizes = {
        "hidden": (HIDDEN, *(SECOND + i for i in range(depth - 1))),
        "data_dim": prod(IMAGE) if words["network"] == "conv" else DATA,
        "latent_dim": latents,
        "variance": variance or (supports.variances or (VARIANCE,))[0],
        "image_shape": IMAGE,
        "channels": CHANNELS,
        "beta": BETA,
        "components": COMPONENTS,
        "latents": LAYERS[latents],
        "chain": LAYERS[latents],
        "data_count": BATCH[latents] if words["posterior"] == "free" else COUNT,
    }
    return model_of(words, sizes)


@cache
def small_problem(spec: Spec, name: str) -> Problem:
    """Grey data, noise and weights from one seed."""
    generator, batch = np.random.default_rng(SEED), BATCH[spec.latent_dim]
    x = generator.random((batch, spec.data_dim))
    noise = generator.standard_normal((SAMPLES, batch, spec.latent_dim))
    weight_noise = {name: generator.standard_normal((SAMPLES, *shape)) for name, shape in drawn_shapes(spec).items()}
    weights = random_weights(spec, SEED)
    if spec.prior == "vamp":  # pseudo-inputs are images, and one source keeps them between 0 and 1
        weights["prior.pseudo_inputs"] = generator.random(weights["prior.pseudo_inputs"].shape)
    return Problem(name, spec, x, noise, weights, weight_noise)
