"""q(z|x) = N(mean, LLᵀ), with a full Cholesky factor."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..arithmetic import Selection
from ..densities import Drawn, log_normal_of_squares, on_diagonal, scale_kinds
from ..node import COLUMN, LATENT, Node, Nodes
from .base import Lifting
from .posterior import Posterior

if TYPE_CHECKING:
    from ..spec import Spec


def as_full(spec: Spec) -> Spec | None:
    """A diagonal covariance as a full one; None of a specification that a full covariance does not go with."""
    plain = spec.posterior == "diagonal" and spec.prior != "vamp" and spec.network == "mlp" and not spec.chain
    return replace(spec, posterior="full") if plain else None


class Full(Posterior):
    """`encoder.cholesky`, a square matrix of which the entries below the diagonal count; σ is L's diagonal."""

    word = "full"
    liftings = (Lifting("a diagonal as a Cholesky factor", as_full),)

    def heads(self, spec: Spec) -> dict[str, tuple[int, str]]:
        return {**super().heads(spec), "cholesky": (spec.latent_dim**2, "(row column)")}

    def draw(self, spec: Spec, heads: Nodes, noise: Node) -> Drawn:
        """z = mean + Lε."""
        mean, log_variance = heads["mean"], heads["log_variance"]
        scales = scale_kinds("cholesky", log_variance)
        size = mean.shape[LATENT]
        places = np.where(np.tri(size, k=-1) > 0, np.arange(size**2).reshape(size, size), -1)
        below = heads["cholesky"].copy(Selection(places, size**2))
        factor = below + on_diagonal(scales["cholesky_sd"])  # [batch, row, column]
        z = mean + (factor * noise.expand(-2)).sum(COLUMN)
        variance = (factor**2).sum(COLUMN)
        products = factor.expand(-2) * factor.expand(-3)
        tensors = {
            "posterior_log_variance": variance.log(),
            **scales,
            "posterior_covariance": products.sum(COLUMN),
            "posterior_cholesky": factor,
        }
        # L⁻¹(z − mean) is ε, and sources print it so (Kingma and Welling, 2019, Algorithm 2).
        density = log_normal_of_squares(log_variance, noise**2)
        return Drawn(mean, variance, log_variance, None, z, density, tensors)

    def widest(self, spec: Spec) -> int:
        return spec.latent_dim**3
