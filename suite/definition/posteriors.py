"""q(z|x) on a tape: Gaussian, with each covariance that a source gives it, and the draw z of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .arithmetic import Selection
from .networks import layer_of
from .node import COLUMN, LATENT, LAYER, Node, concatenate
from .spec import Spec

LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True)
class Posterior:
    """A Gaussian q(z|x) = N(mean, C).

    Attributes:
        mean: [batch, latent].
        variance: the diagonal of C, [batch, latent].
        log_variance: its sum over latents, and `rest`, are log det C; [batch, latent].
        rest: [batch]; None where it is 0.
        latent: z, [sample, batch, latent].
        log_density: log q(z|x), [sample, batch].
        tensors: what sources print of it, by canonical name.
    """

    mean: Node
    variance: Node
    log_variance: Node
    rest: Node | None
    latent: Node
    log_density: Node
    tensors: Mapping[str, Node]


def posterior(spec: Spec, heads: Mapping[str, Node], noise: Node) -> Posterior:
    """The posterior of a specification.

    Args:
        spec: the model.
        heads: what `networks.encode` returned.
        noise: ε, [sample, batch, latent].
    """
    if spec.posterior == "full":
        return _full(heads, noise)
    if spec.posterior == "rank-one":
        return _rank_one(spec, heads, noise)
    log_variance = per_latent(spec, heads["log_variance"])
    mean, scales = heads["mean"], scale_kinds("posterior", log_variance)
    z = mean + scales["posterior_sd"] * noise
    density = log_density_of_draw(z, mean, log_variance, noise)
    return Posterior(mean, scales["posterior_variance"], log_variance, None, z, density, scales)


def per_latent(spec: Spec, log_variance: Node) -> Node:
    """The head [..., latent or 1] → [..., latent]."""
    if spec.posterior != "isotropic":
        return log_variance
    return log_variance.copy(Selection(np.zeros(spec.latent_dim, dtype=np.intp), 1))


def scale_kinds(prefix: str, log_variance: Node) -> dict[str, Node]:
    """A scale in all kinds that sources print, by canonical name `<prefix>_<kind>`."""
    log_sd, log_precision = log_variance / 2, -log_variance
    return {
        f"{prefix}_log_variance": log_variance,
        f"{prefix}_log_sd": log_sd,
        f"{prefix}_variance": log_variance.exp(),
        f"{prefix}_sd": log_sd.exp(),
        f"{prefix}_precision": log_precision.exp(),
        f"{prefix}_log_precision": log_precision,
    }


def log_normal(log_variance: Node, squares: Node) -> Node:
    """−½ Σ (log 2π + log σ² + squares) over the last axis; squares are (value − mean)²/σ²."""
    return -0.5 * (LOG_2PI + log_variance + squares).sum(LATENT)


def squared(value: Node, mean: Node, log_variance: Node) -> Node:
    """(value − mean)²/σ², element by element."""
    return (value - mean) ** 2 * (-log_variance).exp()


def log_density_of_draw(z: Node, mean: Node, log_variance: Node, noise: Node) -> Node:
    """log N(z; mean, σ²) over the last axis, of z = mean + σ · noise.

    (z − mean)/σ is the noise: the truth takes it from there, without cancellation. Sources evaluate the density at z,
    where a narrow posterior loses digits: the perturbed runs do as they do.
    """
    return log_normal(log_variance, noise**2 if noise.exact else squared(z, mean, log_variance))


def _full(heads: Mapping[str, Node], noise: Node) -> Posterior:
    """C = LLᵀ with L = (the entries of a square matrix below its diagonal) + diag(σ): z = mean + Lε."""
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
    density = log_normal(log_variance, noise**2)
    return Posterior(mean, variance, log_variance, None, z, density, tensors)


def _rank_one(spec: Spec, heads: Mapping[str, Node], noise: Node) -> Posterior:
    """C⁻¹ = D + uuᵀ; with s = uᵀD⁻¹u and η = 1/(1 + s): C = D⁻¹ − η D⁻¹uuᵀD⁻¹ and log det C = log η − log det D.

    z = mean + Rε, where R = D^(−½) − (1 − √η)/s · D⁻¹uuᵀD^(−½) and C = RRᵀ. Each layer of a deep latent Gaussian model
    has its own C (D. J. Rezende, S. Mohamed and D. Wierstra, *Stochastic Backpropagation and Approximate Inference in
    Deep Generative Models*, 2014, section 4.3 and Appendix).
    """
    mean, u, log_variance = heads["mean"], heads["rank_one"], heads["log_variance"]
    layers = Layers(spec.latents or (spec.latent_dim,))
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
    density = log_normal(log_variance, squares) - rest / 2
    if not noise.exact:  # those of D alone: the squares of uuᵀ are added apart
        density = density - (layers.sums(difference * u) ** 2).sum(LAYER) / 2
    return Posterior(mean, variance, log_variance, rest, z, density, tensors)


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


def on_diagonal(a: Node) -> Node:
    """[..., latent] → the diagonal matrix [..., row, column]."""
    size = a.shape[LATENT]
    return a.copy(Selection(np.where(np.eye(size) > 0, np.arange(size), -1), size))
