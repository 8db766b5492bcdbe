"""A small model of given words, on which formulas are executed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...reference.parsing import parse_spec
from ...reference.problem import Problem
from ...reference.spec import Spec
from ...reference.weights import drawn_shapes, random_weights

#: Pairwise different sizes, so that a sum over a wrong axis is seen.
SAMPLES, DATA_COUNT, HIDDEN, DATA, COMPONENTS = 2, 11, 5, 7, 6
#: Number of latents → number of data, and sizes of the layers where there are several.
BATCH = {1: 2, 4: 3}
LAYERS = {1: (1,), 4: (3, 1)}
VARIANCE, BETA = 0.7, 2.5
SEED = 3


def model_of(words: Mapping[str, str], *, latents: int, variance: float = VARIANCE) -> Spec:
    """The model of one word for each condition.

    Raises:
        BadInput: the words do not go together.
    """
    free, weights = words["posterior"] == "free", words["decoder_weights"] == "posterior"
    spec = Spec(
        network="mlp",
        likelihood=words["likelihood"],
        prior=words["prior"],
        activation=words["activation"],
        hidden=(HIDDEN,),
        data_dim=DATA,
        latent_dim=latents,
        variance=variance if words["likelihood"] == "gaussian-fixed" else None,
        posterior=words["posterior"],
        beta=BETA if words["beta"] == "other" else 1.0,
        components=COMPONENTS if words["prior"] == "vamp" else None,
        latents=LAYERS[latents] if words["latents"] == "layers" else None,
        chain=LAYERS[latents] if words["latents"] == "chain" else None,
        decoder_weights=words["decoder_weights"],
        data_count=BATCH[latents] if free else DATA_COUNT if weights else None,
    )
    return parse_spec(spec.as_json(), "formulas")


def problem_of(spec: Spec) -> Problem:
    """Data between 0 and 1, noise and weights from one seed."""
    generator = np.random.default_rng(SEED)
    batch = BATCH[spec.latent_dim]
    x = generator.random((batch, spec.data_dim))
    noise = generator.standard_normal((SAMPLES, batch, spec.latent_dim))
    weight_noise = {
        name: np.repeat(generator.standard_normal((1, *shape)), SAMPLES, axis=0)
        for name, shape in drawn_shapes(spec).items()
    }
    weights = random_weights(spec, SEED)
    if spec.prior == "vamp":
        weights["prior.pseudo_inputs"] = generator.random(weights["prior.pseudo_inputs"].shape)
    return Problem("formulas", spec, x, noise, weights, weight_noise)
