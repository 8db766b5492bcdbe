"""q(z|x) = N(mean, diag σ²), with a scale per latent or one per datum."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..arithmetic import Selection
from ..densities import Posterior, log_density_of_draw, scale_kinds
from ..node import Node
from .base import Lifting, PosteriorFamily, Weights

if TYPE_CHECKING:
    from ..spec import Spec


def _diagonal(spec: Spec) -> Spec | None:
    return replace(spec, posterior="diagonal") if spec.posterior == "isotropic" else None


class Diagonal(PosteriorFamily):
    """`encoder.mean` and `encoder.log_variance`."""

    word = "diagonal"
    liftings: tuple[Lifting, ...] = (Lifting("a scalar σ tiled", _diagonal),)

    def diagonal(self, spec: Spec, heads: Weights) -> tuple[Node, Node]:
        return heads["mean"], heads["log_variance"]

    def draw(self, spec: Spec, heads: Weights, noise: Node) -> Posterior:
        mean, log_variance = self.diagonal(spec, heads)
        scales = scale_kinds("posterior", log_variance)
        z = mean + scales["posterior_sd"] * noise
        density = log_density_of_draw(z, mean, log_variance, noise)
        return Posterior(mean, scales["posterior_variance"], log_variance, None, z, density, scales)


class Isotropic(Diagonal):
    """One σ per datum: `encoder.log_variance` has one output."""

    word = "isotropic"
    liftings = ()

    def scales(self, latent: int) -> int:
        return 1

    def diagonal(self, spec: Spec, heads: Weights) -> tuple[Node, Node]:
        return heads["mean"], heads["log_variance"].copy(Selection(np.zeros(spec.latent_dim, dtype=np.intp), 1))
