"""Normal densities, each written once: over a tape's nodes, and over whatever else has their operators and methods."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .arithmetic import Selection
from .node import LATENT, Node, Nodes

LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True)
class Drawn:
    """A Gaussian q(z|x) = N(mean, C), and a draw of it.

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
    tensors: Nodes


def log_normal(value: Node, mean: Node, log_variance: Node) -> Node:
    """log N(value; mean, σ²) of independent numbers along the last axis: [..., number] → [...]."""
    return log_normal_of_squares(log_variance, (value - mean) ** 2 * (-log_variance).exp())


def log_normal_of_squares(log_variance: Node, squares: Node) -> Node:
    """−½ Σ (log 2π + log σ² + squares) over the last axis; squares are (value − mean)²/σ²."""
    return -0.5 * (LOG_2PI + log_variance + squares).sum(LATENT)


def log_density_of_draw(z: Node, mean: Node, log_variance: Node, noise: Node) -> Node:
    """log N(z; mean, σ²) over the last axis, of z = mean + σ · noise.

    (z − mean)/σ is the noise: the reference uses the noise, without cancellation. Sources evaluate the density at z,
    where a narrow posterior loses digits: the perturbed runs do the same.
    """
    if noise.exact:
        return log_normal_of_squares(log_variance, noise**2)
    return log_normal(z, mean, log_variance)


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


def on_diagonal(a: Node) -> Node:
    """[..., latent] → the diagonal matrix [..., row, column]."""
    size = a.shape[LATENT]
    return a.copy(Selection(np.where(np.eye(size) > 0, np.arange(size), -1), size))
