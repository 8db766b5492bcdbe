"""The families of models, each a file: its fields, weights, densities, and how a special case is lifted into it.

A new family is a file here and its line in `FAMILIES`, and a line in `spec.Spec` for a field that no other has.
"""

from __future__ import annotations

from typing import Any

from .activations import Elementwise, Gated
from .base import Family
from .bernoulli import Bernoulli
from .beta import BetaOne, BetaOther
from .chain import Chain
from .convolutional import Convolutional
from .decoder_weights import Point, WeightPosterior
from .deep_latents import DeepLatents, OneLayer
from .diagonal import Diagonal, Isotropic
from .free import Free
from .full import Full
from .gaussian import Gaussian, GaussianFixed
from .mlp import Mlp
from .normal_prior import Learned, Standard
from .rank_one import RankOne
from .vamp import Vamp

#: In the order in which messages list the words of a condition, and in which liftings are tried.
FAMILIES: tuple[Family, ...] = (
    Mlp(),
    Convolutional(),
    Elementwise("tanh"),
    Elementwise("relu"),
    Elementwise("softplus"),
    Gated(),
    Diagonal(),
    Isotropic(),
    OneLayer(),
    DeepLatents(),
    Chain(),
    Full(),
    RankOne(),
    Free(),
    Standard(),
    Learned(),
    Vamp(),
    Bernoulli(),
    Gaussian(),
    GaussianFixed(),
    Point(),
    WeightPosterior(),
    BetaOne(),
    BetaOther(),
)

#: Lifts in the order of their families.
LIFTINGS = tuple(lifting for family in FAMILIES for lifting in family.liftings)


def by_word(condition: str) -> dict[str, Any]:
    """The families of one condition, by word."""
    return {family.word: family for family in FAMILIES if family.condition == condition}
