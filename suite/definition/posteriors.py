"""q(z|x) on a tape: Gaussian, with each covariance that a source gives it, and the draw z of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .arithmetic import Selection
from .networks import layer_of
from .spec import Spec
from .tape import Node, Tape


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


def posterior(tape: Tape, spec: Spec, heads: Mapping[str, Node], noise: Node) -> Posterior:
    """The posterior of a specification.

    Args:
        tape: what all is computed on.
        spec: the model.
        heads: what `networks.encode` returned.
        noise: ε, [sample, batch, latent].
    """
    if spec.posterior == "full":
        return _full(tape, heads, noise)
    if spec.posterior == "rank-one":
        return _rank_one(tape, spec, heads, noise)
    log_variance = per_latent(tape, spec, heads["log_variance"])
    mean, scales = heads["mean"], scale_kinds(tape, "posterior", log_variance)
    latent = tape.add(mean, tape.mul(scales["posterior_sd"], noise))
    # (z − mean)/σ is the noise: the truth takes it from there, without cancellation. Sources evaluate the density at z,
    # where a narrow posterior loses digits: the perturbed runs do as they do.
    squares = tape.mul(noise, noise) if tape.arithmetic.exact else squared(tape, latent, mean, log_variance)
    density = log_normal(tape, log_variance, squares)
    return Posterior(mean, scales["posterior_variance"], log_variance, None, latent, density, scales)


def per_latent(tape: Tape, spec: Spec, log_variance: Node) -> Node:
    """The head [..., latent or 1] → [..., latent]."""
    if spec.posterior != "isotropic":
        return log_variance
    return tape.copy(log_variance, Selection(np.zeros(spec.latent_dim, dtype=np.intp), 1))


def scale_kinds(tape: Tape, prefix: str, log_variance: Node) -> dict[str, Node]:
    """A scale in all kinds that sources print, by canonical name `<prefix>_<kind>`."""
    log_sd, log_precision = tape.scale(log_variance, 0.5), tape.scale(log_variance, -1.0)
    return {
        f"{prefix}_log_variance": log_variance,
        f"{prefix}_log_sd": log_sd,
        f"{prefix}_variance": tape.exp(log_variance),
        f"{prefix}_sd": tape.exp(log_sd),
        f"{prefix}_precision": tape.exp(log_precision),
        f"{prefix}_log_precision": log_precision,
    }


def log_normal(tape: Tape, log_variance: Node, squares: Node) -> Node:
    """−½ Σ (log 2π + log σ² + squares) over the last axis; squares are (value − mean)²/σ²."""
    constant = tape.add(tape.input(math.log(2 * math.pi)), log_variance)
    return tape.scale(tape.sum(tape.add(constant, squares), axis=-1), -0.5)


def squared(tape: Tape, value: Node, mean: Node, log_variance: Node) -> Node:
    """(value − mean)²/σ², element by element."""
    difference = tape.sub(value, mean)
    return tape.mul(tape.mul(difference, difference), tape.exp(tape.scale(log_variance, -1.0)))


def _full(tape: Tape, heads: Mapping[str, Node], noise: Node) -> Posterior:
    """C = LLᵀ with L = (the entries of a square matrix below its diagonal) + diag(σ): z = mean + Lε."""
    mean, scales = heads["mean"], scale_kinds(tape, "cholesky", heads["log_variance"])
    size = mean.value.shape[-1]
    places = np.where(np.tri(size, k=-1) > 0, np.arange(size**2).reshape(size, size), -1)
    below = tape.copy(heads["cholesky"], Selection(places, size**2))
    factor = tape.add(below, _on_diagonal(tape, scales["cholesky_sd"]))  # [batch, row, column]
    latent = tape.add(mean, tape.sum(tape.mul(factor, tape.expand(noise, -2)), axis=-1))
    variance = tape.sum(tape.mul(factor, factor), axis=-1)
    products = tape.mul(tape.expand(factor, -2), tape.expand(factor, -3))
    tensors = {
        "posterior_log_variance": tape.log(variance),
        **scales,
        "posterior_covariance": tape.sum(products, axis=-1),
        "posterior_cholesky": factor,
    }
    # L⁻¹(z − mean) is ε, and sources print it so (Kingma and Welling, 2019, Algorithm 2).
    density = log_normal(tape, heads["log_variance"], tape.mul(noise, noise))
    return Posterior(mean, variance, heads["log_variance"], None, latent, density, tensors)


def _rank_one(tape: Tape, spec: Spec, heads: Mapping[str, Node], noise: Node) -> Posterior:
    """C⁻¹ = D + uuᵀ; with s = uᵀD⁻¹u and η = 1/(1 + s): C = D⁻¹ − η D⁻¹uuᵀD⁻¹ and log det C = log η − log det D.

    z = mean + Rε, where R = D^(−½) − (1 − √η)/s · D⁻¹uuᵀD^(−½) and C = RRᵀ. Each layer of a deep latent Gaussian model
    has its own C (D. J. Rezende, S. Mohamed and D. Wierstra, *Stochastic Backpropagation and Approximate Inference in
    Deep Generative Models*, 2014, section 4.3 and Appendix).
    """
    mean, u, log_variance = heads["mean"], heads["rank_one"], heads["log_variance"]
    layers = Layers(tape, spec.latents or (spec.latent_dim,))
    scales = scale_kinds(tape, "rank_one", log_variance)
    inverse, sd, precision = (scales[f"rank_one_{kind}"] for kind in ("variance", "sd", "precision"))
    v = tape.mul(inverse, u)  # D⁻¹u
    grown = tape.add(tape.input(1.0), layers.sums(tape.mul(v, u)))  # 1/η, [batch, layer]
    log_eta = tape.scale(tape.log(grown), -1.0)
    eta = layers.repeated(tape.exp(log_eta))
    # (1 − √η)/s = 1/(1/η + √(1/η)), which is no 0/0 where u is 0
    share = layers.repeated(tape.exp(tape.scale(tape.log(tape.add(grown, tape.sqrt(grown))), -1.0)))
    scaled = tape.mul(sd, noise)
    along = layers.repeated(layers.sums(tape.mul(scaled, u)))  # uᵀD^(−½)ε
    latent = tape.add(mean, tape.sub(scaled, tape.mul(tape.mul(along, share), v)))
    variance = tape.sub(inverse, tape.mul(eta, tape.mul(v, v)))
    column_eta, column_share = tape.expand(eta, -1), tape.expand(share, -1)
    tensors = {
        "posterior_log_variance": tape.log(variance),
        **scales,
        "rank_one_vector": u,
        "posterior_covariance": tape.sub(_on_diagonal(tape, inverse), tape.mul(column_eta, layers.outer(v, v))),
        "posterior_factor": tape.sub(_on_diagonal(tape, sd), tape.mul(column_share, layers.outer(v, tape.mul(u, sd)))),
        "posterior_precision_matrix": tape.add(_on_diagonal(tape, precision), layers.outer(u, u)),
    }
    rest = tape.sum(log_eta, axis=-1)
    difference = tape.sub(latent, mean)
    squares = tape.mul(noise, noise) if tape.arithmetic.exact else tape.mul(tape.mul(difference, difference), precision)
    density = tape.sub(log_normal(tape, log_variance, squares), tape.scale(rest, 0.5))
    if not tape.arithmetic.exact:  # those of D alone: the squares of uuᵀ are added apart
        projected = layers.sums(tape.mul(difference, u))
        density = tape.sub(density, tape.scale(tape.sum(tape.mul(projected, projected), axis=-1), 0.5))
    return Posterior(mean, variance, log_variance, rest, latent, density, tensors)


@dataclass(frozen=True)
class Layers:
    """The latent axis as layers of these sizes, one after the other."""

    tape: Tape
    sizes: tuple[int, ...]

    @property
    def _layer_of_latent(self) -> NDArray[np.intp]:
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def sums(self, a: Node) -> Node:
        """[..., latent] → the sum over each layer, [..., layer]."""
        parts = [layer_of(self.tape, a, self.sizes, i) for i in range(len(self.sizes))]
        return self.tape.concatenate([self.tape.expand(self.tape.sum(part, axis=-1), -1) for part in parts])

    def repeated(self, a: Node) -> Node:
        """[..., layer] → each entry for all latents of its layer, [..., latent]."""
        return self.tape.copy(a, Selection(self._layer_of_latent, len(self.sizes)))

    def outer(self, a: Node, b: Node) -> Node:
        """[..., row] and [..., column] → abᵀ within each layer, and 0 between two, [..., row, column]."""
        full = self.tape.mul(self.tape.expand(a, -1), self.tape.expand(b, -2))
        layer = self._layer_of_latent
        size = len(layer)
        places = np.where(layer[:, None] == layer, np.arange(size**2).reshape(size, size), -1)
        flat = self.tape.reshape(full, *full.value.shape[1:-2], size**2)
        return self.tape.copy(flat, Selection(places, size**2))


def _on_diagonal(tape: Tape, a: Node) -> Node:
    """[..., latent] → the diagonal matrix [..., row, column]."""
    size = a.value.shape[-1]
    return tape.copy(a, Selection(np.where(np.eye(size) > 0, np.arange(size), -1), size))
