"""q(z|x) = N(mean, (D + uuᵀ)⁻¹), whose precision is a diagonal and a matrix of rank one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..arithmetic import Selection
from ..networks import layer_of
from ..node import LATENT, LAYER, Node, Nodes
from ..normal import Drawn, log_normal_of_squares, on_diagonal, scale_kinds
from ..spec import Spec
from ..tape import concatenate
from .base import Lifting
from .posterior import Posterior


class RankOne(Posterior):
    """`encoder.rank_one` is u; log D is −log_variance."""

    word = "rank-one"
    lifting = Lifting(
        "a diagonal as D + uuᵀ with u = 0", ("posterior", "diagonal"), partial(replace, posterior="rank-one")
    )

    def heads(self, spec: Spec) -> dict[str, tuple[int, str]]:
        return {**super().heads(spec), "rank_one": (spec.latent_dim, "out")}

    def draw(self, spec: Spec, heads: Nodes, noise: Node) -> Drawn:
        """With s = uᵀD⁻¹u and η = 1/(1 + s): C = D⁻¹ − η D⁻¹uuᵀD⁻¹ and log det C = log η − log det D.

        z = mean + Rε, where R = D^(−½) − (1 − √η)/s · D⁻¹uuᵀD^(−½) and C = RRᵀ. Each layer of a deep latent Gaussian
        model has its own C (D. J. Rezende, S. Mohamed and D. Wierstra, *Stochastic Backpropagation and Approximate
        Inference in Deep Generative Models*, 2014, section 4.3 and Appendix).
        """
        mean, u, log_variance = heads["mean"], heads["rank_one"], heads["log_variance"]
        layers = Layers(spec.layers)
        scales = scale_kinds("rank_one", log_variance)
        inverse, sd, precision = (scales[f"rank_one_{kind}"] for kind in ("variance", "sd", "precision"))
        v = inverse * u  # D⁻¹u
        one = u.constant(1.0)
        grown = one + layers.sums(v * u)  # 1/η, [batch, layer]
        log_eta = -grown.log()
        eta = layers.repeated(log_eta.exp())
        # (1 − √η)/s = 1/(1/η + √(1/η)), which is no 0/0 where u is 0
        share = layers.repeated((-(grown + grown.sqrt()).log()).exp())
        scaled = sd * noise
        along = layers.repeated(layers.sums(scaled * u))  # uᵀD^(−½)ε
        z = mean + (scaled - along * share * v)
        variance = inverse - eta * v**2
        column_eta, column_share = eta.expand(-1), share.expand(-1)
        tensors = {
            "posterior_log_variance": variance.log(),
            **scales,
            "rank_one_vector": u,
            "posterior_covariance": on_diagonal(inverse) - column_eta * layers.outer(v, v),
            "posterior_factor": on_diagonal(sd) - column_share * layers.outer(v, u * sd),
            "posterior_precision_matrix": on_diagonal(precision) + layers.outer(u, u),
        }
        rest = log_eta.sum(LAYER)
        difference = z - mean
        squares = noise**2 if noise.exact else difference**2 * precision
        density = log_normal_of_squares(log_variance, squares) - rest / 2
        if not noise.exact:  # those of D alone: the squares of uuᵀ are added apart
            density = density - (layers.sums(difference * u) ** 2).sum(LAYER) / 2
        return Drawn(mean, variance, log_variance, rest, z, density, tensors)

    def widest(self, spec: Spec) -> int:
        return spec.latent_dim**2


@dataclass(frozen=True)
class Layers:
    """The latent axis as layers of these sizes, one after the other."""

    sizes: tuple[int, ...]

    @property
    def _layer_of_latent(self) -> NDArray[np.intp]:
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def sums(self, a: Node) -> Node:
        """[..., latent] → the sum over each layer, [..., layer]."""
        parts = [layer_of(a, self.sizes, i) for i in range(len(self.sizes))]
        return concatenate([part.sum(LATENT).expand(-1) for part in parts])

    def repeated(self, a: Node) -> Node:
        """[..., layer] → each entry for all latents of its layer, [..., latent]."""
        return a.copy(Selection(self._layer_of_latent, len(self.sizes)))

    def outer(self, a: Node, b: Node) -> Node:
        """[..., row] and [..., column] → abᵀ within each layer, and 0 between two, [..., row, column]."""
        full = a.expand(-1) * b.expand(-2)
        layer = self._layer_of_latent
        size = len(layer)
        places = np.where(layer[:, None] == layer, np.arange(size**2).reshape(size, size), -1)
        return full.reshape(*full.shape[:-2], size**2).copy(Selection(places, size**2))
