"""The families of models by idea: their fields, weights, densities, and how a special case is lifted into them.

A new family is a class in a file here and its line in `FAMILIES`; a field that no other has is a line in `spec.Spec`
and one in `parsing.NUMBERS`. A likelihood also says in `notations/cross_check.DECODER_ROLES` what its decoder puts out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .activation import Activation, Gated
from .base import Family
from .chain import Chain
from .convolutional import Convolutional
from .decoder_weights import DecoderWeights, WeightPosterior
from .latents import DeepLatents, Latents
from .likelihood import Bernoulli, Gaussian, GaussianFixed, Likelihood
from .network import Network
from .posterior import Free, Full, Isotropic, Posterior
from .prior import Learned, Prior, Vamp
from .rank_one import RankOne


class Families(NamedTuple):
    """One family for each condition: what a specification means."""

    network: Network
    likelihood: Likelihood
    prior: Prior
    activation: Activation
    posterior: Posterior
    decoder_weights: DecoderWeights
    latents: Latents


#: In the order in which messages list the words of a condition, and in which liftings are tried.
FAMILIES: tuple[Family, ...] = (
    Network(),
    Convolutional(),
    Activation("tanh"),
    Activation("relu"),
    Activation("softplus"),
    Gated("gated"),
    Posterior(),
    Isotropic(),
    Latents(),
    DeepLatents(),
    Chain(),
    Full(),
    RankOne(),
    Free(),
    Prior(),
    Learned(),
    Vamp(),
    Bernoulli(),
    Gaussian(),
    GaussianFixed(),
    DecoderWeights(),
    WeightPosterior(),
)

#: Condition → word → family; Any stands for the class of the condition.
BY_WORD: dict[str, dict[str, Any]] = {
    condition: {family.word: family for family in FAMILIES if family.condition == condition}
    for condition in Families._fields
}

LIFTINGS = tuple(family.lifting for family in FAMILIES if family.lifting)
