"""q(z|x) = N(mean, C), where C is diag σ², with a scale per latent or one per datum, or LLᵀ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from ..arithmetic import Selection
from ..networks import affine, hidden
from ..node import COLUMN, LATENT, Node, Nodes
from ..normal import Drawn, log_density_of_draw, log_normal_of_squares, on_diagonal, scale_kinds
from ..spec import Spec
from ..weights import Slot, layer
from .base import Family, Lifting


class Posterior(Family):
    """q(z|x); as it stands, diagonal and out of an encoder."""

    condition = "posterior"
    word = "diagonal"

    def heads(self, spec: Spec) -> dict[str, tuple[int, str]]:
        """The encoder's output layers: name → numbers per datum, and their axes."""
        latents = spec.families.latents.encoded(spec), "out"
        return {"mean": latents, "log_variance": latents}

    def slots(self, spec: Spec) -> Iterator[Slot]:
        """The canonical weights of the encoder."""
        yield from spec.families.network.encoder_slots(spec)
        for head, (size, axes) in self.heads(spec).items():
            yield from layer(f"encoder.{head}", size, spec.hidden[-1], out=axes)
        yield from spec.families.latents.encoder_slots(spec)

    def encode(self, spec: Spec, x: Node, w: Nodes) -> dict[str, Node]:
        """x [batch, data] → the heads by name: `mean`, `log_variance` and what the covariance needs beside it."""
        last = hidden(spec, spec.families.network.encode(spec, x, w), w, "encoder.hidden")
        return {head: affine(last, w, f"encoder.{head}") for head in self.heads(spec)}

    def draw(self, spec: Spec, heads: Nodes, noise: Node) -> Drawn:
        """The heads and ε [sample, batch, latent] → q(z|x) and z."""
        mean, log_variance = heads["mean"], heads["log_variance"]
        scales = scale_kinds("posterior", log_variance)
        z = mean + scales["posterior_sd"] * noise
        density = log_density_of_draw(z, mean, log_variance, noise)
        return Drawn(mean, scales["posterior_variance"], log_variance, None, z, density, scales)

    def rows(self, spec: Spec) -> int | None:
        """How many data a batch must have; None for any number."""
        return None


class Isotropic(Posterior):
    """One σ per datum: `encoder.log_variance` has one output, which is repeated for each latent."""

    word = "isotropic"
    lifting = Lifting("a scalar σ tiled", ("posterior", "isotropic"), partial(replace, posterior="diagonal"))

    def heads(self, spec: Spec) -> dict[str, tuple[int, str]]:
        return {**super().heads(spec), "log_variance": (1, "out")}

    def encode(self, spec: Spec, x: Node, w: Nodes) -> dict[str, Node]:
        heads = super().encode(spec, x, w)
        repeated = Selection(np.zeros(spec.latent_dim, dtype=np.intp), 1)
        return {**heads, "log_variance": heads["log_variance"].copy(repeated)}


class Free(Posterior):
    """No encoder: `posterior.mean` and `posterior.log_variance`, a row for each of `data_count` data, the batch."""

    word = "free"
    fields = ("data_count",)

    def slots(self, spec: Spec) -> Iterator[Slot]:
        assert spec.data_count
        for part in ("mean", "log_variance"):
            yield Slot(f"posterior.{part}", "datum latent", (spec.data_count, spec.latent_dim))

    def encode(self, spec: Spec, x: Node, w: Nodes) -> dict[str, Node]:
        return {head: w[f"posterior.{head}"] for head in ("mean", "log_variance")}

    def rows(self, spec: Spec) -> int | None:
        return spec.data_count


class Full(Posterior):
    """C = LLᵀ: below its diagonal L has the entries of `encoder.cholesky`, a square matrix; its diagonal is σ."""

    word = "full"
    lifting = Lifting("a diagonal as a Cholesky factor", ("posterior", "diagonal"), partial(replace, posterior="full"))

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
