"""Generative models small enough for p(x) and p(z|x) to be known: written once, in any `Functions`.

`w` holds canonical weights (`encoder.mean.weight` [latent, hidden], ...) as tensors of those functions; log densities
are in nats, with every constant.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from .functions import Array, Functions, Tensor

Weights = Mapping[str, Tensor]

ROWS = ("p(z)", "p(x|z)", "p(x, z)", "p(x)", "p(z|x)", "q(z|x)", "ELBO")
"""What the subscript can stand at, in the order of the dependency table."""

LOG_2PI = math.log(2 * math.pi)


class Model(ABC):
    """A joint p(x, z) = p(z) p(x|z) of one datum, its marginal, both posteriors, and the ELBO."""

    @abstractmethod
    def log_prior(self, f: Functions, w: Weights, z: Tensor) -> Tensor:
        """z: [point, latent] → log p(z): [point]."""

    @abstractmethod
    def log_likelihood(self, f: Functions, w: Weights, x: Tensor, z: Tensor) -> Tensor:
        """x: [data], z: [point, latent] → log p(x|z): [point]."""

    @abstractmethod
    def log_recognition(self, f: Functions, w: Weights, x: Tensor, z: Tensor) -> Tensor:
        """x: [data], z: [point, latent] → log q(z|x): [point]."""

    @abstractmethod
    def log_marginal(self, f: Functions, w: Weights, x: Tensor) -> Tensor:
        """x: [data] → log p(x): []."""

    @abstractmethod
    def log_posterior(self, f: Functions, w: Weights, x: Tensor, z: Tensor) -> Tensor:
        """x: [data], z: [point, latent] → log p(z|x): [point]."""

    @abstractmethod
    def elbo(self, f: Functions, w: Weights, x: Tensor) -> Tensor:
        """x: [data] → E_q[log p(x, z) − log q(z|x)]: []."""

    def rows(self, f: Functions, w: Weights, x: Tensor, z: Tensor) -> list[Tensor]:
        """x: [data], z: [latent] → the log densities of `ROWS` (and the ELBO), scalars."""
        point = z[None]
        prior, likelihood = self.log_prior(f, w, point)[0], self.log_likelihood(f, w, x, point)[0]
        return [
            prior,
            likelihood,
            likelihood + prior,
            self.log_marginal(f, w, x),
            self.log_posterior(f, w, x, point)[0],
            self.log_recognition(f, w, x, point)[0],
            self.elbo(f, w, x),
        ]


@dataclass(frozen=True)
class Grid:
    """The trapezoid rule on a cube; for a smooth integrand that dies out before the ends it converges geometrically.

    Attributes:
        reach: the cube is [−reach, reach] in every latent dimension.
        step: distance of neighbouring nodes.
        latents: number of dimensions.
    """

    reach: float
    step: float
    latents: int

    def nodes(self) -> Array:
        """[point, latent]."""
        line = np.linspace(-self.reach, self.reach, round(2 * self.reach / self.step) + 1)
        return np.array(list(product(line, repeat=self.latents)))

    @property
    def log_volume(self) -> float:
        """Logarithm of the weight of each node."""
        return self.latents * math.log(self.step)


@dataclass(frozen=True)
class Tanh(Model):
    """One hidden tanh layer each way, p(x|z) a product of Bernoullis; integrals over z by quadrature.

    Attributes:
        grid: of the quadrature.
        prior: `standard` N(0, I); `learned`, a diagonal Gaussian; `vamp`, the mixture (1/K) Σ_k q(z|u_k).
        tied: whether both layers of the decoder are the transposes of two of the encoder.
    """

    grid: Grid
    prior: str = "standard"
    tied: bool = False

    def log_prior(self, f: Functions, w: Weights, z: Tensor) -> Tensor:
        if self.prior == "vamp":
            pseudo = w["pseudo.inputs"]
            count = pseudo.shape[0]
            parts = [self.log_recognition(f, w, pseudo[k], z)[None] for k in range(count)]
            stacked = _stack(f, parts)
            return f.logsumexp(stacked, 0) - math.log(count)
        if self.prior == "learned":
            return log_normal(f, z, w["prior.mean"], w["prior.log_variance"])
        zero = f.constant(np.zeros(self.grid.latents))
        return log_normal(f, z, zero, zero)

    def log_likelihood(self, f: Functions, w: Weights, x: Tensor, z: Tensor) -> Tensor:
        w = self._untie(f, w)
        hidden = f.tanh(z @ f.transpose(w["decoder.hidden.0.weight"]) + w["decoder.hidden.0.bias"])
        logits = hidden @ f.transpose(w["decoder.logits.weight"]) + w["decoder.logits.bias"]
        return f.sum(x * f.log_sigmoid(logits) + (1.0 - x) * f.log_sigmoid(-logits), -1)

    def log_recognition(self, f: Functions, w: Weights, x: Tensor, z: Tensor) -> Tensor:
        w = self._untie(f, w)
        hidden = f.tanh(x[None] @ f.transpose(w["encoder.hidden.0.weight"]) + w["encoder.hidden.0.bias"])
        mean, log_variance = (
            hidden @ f.transpose(w[f"encoder.{head}.weight"]) + w[f"encoder.{head}.bias"]
            for head in ("mean", "log_variance")
        )
        return log_normal(f, z, mean, log_variance)

    def log_marginal(self, f: Functions, w: Weights, x: Tensor) -> Tensor:
        return f.logsumexp(self._log_joint(f, w, x), 0) + self.grid.log_volume

    def log_posterior(self, f: Functions, w: Weights, x: Tensor, z: Tensor) -> Tensor:
        joint = self.log_likelihood(f, w, x, z) + self.log_prior(f, w, z)
        return joint - self.log_marginal(f, w, x)

    def elbo(self, f: Functions, w: Weights, x: Tensor) -> Tensor:
        recognition = self.log_recognition(f, w, x, f.constant(self.grid.nodes()))
        gap = self._log_joint(f, w, x) - recognition
        return f.sum(f.exp(recognition + self.grid.log_volume) * gap, 0)

    def _log_joint(self, f: Functions, w: Weights, x: Tensor) -> Tensor:
        nodes = f.constant(self.grid.nodes())
        return self.log_likelihood(f, w, x, nodes) + self.log_prior(f, w, nodes)

    def _untie(self, f: Functions, w: Weights) -> Weights:
        if not self.tied:
            return w
        return {
            **w,
            "encoder.hidden.0.weight": w["tied.data.weight"],
            "decoder.logits.weight": f.transpose(w["tied.data.weight"]),
            "encoder.mean.weight": w["tied.latent.weight"],
            "decoder.hidden.0.weight": f.transpose(w["tied.latent.weight"]),
        }


@dataclass(frozen=True)
class Linear(Model):
    """z ~ N(m, RRᵀ), x = Wz + b + noise of one variance, q(z|x) = N(Ax + c, LLᵀ): everything in closed form.

    R and L are lower triangular factors; without a learned prior m = 0 and R = I.
    """

    latents: int
    learned: bool

    def log_prior(self, f: Functions, w: Weights, z: Tensor) -> Tensor:
        mean, factor = self._prior(f, w)
        return log_normal_full(f, z, mean, factor @ f.transpose(factor))

    def log_likelihood(self, f: Functions, w: Weights, x: Tensor, z: Tensor) -> Tensor:
        mean = z @ f.transpose(w["decoder.mean.weight"]) + w["decoder.mean.bias"]
        return log_normal(f, x, mean, w["decoder.log_variance"])

    def log_recognition(self, f: Functions, w: Weights, x: Tensor, z: Tensor) -> Tensor:
        return log_normal_full(f, z, *self._recognition(f, w, x))

    def log_marginal(self, f: Functions, w: Weights, x: Tensor) -> Tensor:
        mean, factor = self._prior(f, w)
        spread = w["decoder.mean.weight"] @ factor
        noise = f.constant(np.eye(x.shape[0])) * f.exp(w["decoder.log_variance"])
        centre = (mean[None] @ f.transpose(w["decoder.mean.weight"]))[0] + w["decoder.mean.bias"]
        return log_normal_full(f, x[None], centre, spread @ f.transpose(spread) + noise)[0]

    def log_posterior(self, f: Functions, w: Weights, x: Tensor, z: Tensor) -> Tensor:
        """By its own closed form, N(z; S(Wᵀ(x − b)/v + P⁻¹m), S) with S = (P⁻¹ + WᵀW/v)⁻¹, P = RRᵀ: no use of p(x)."""
        mean, factor = self._prior(f, w)
        identity = f.constant(np.eye(self.latents))
        inverse_prior = f.solve(factor @ f.transpose(factor), identity)
        weight, precision = w["decoder.mean.weight"], f.exp(-w["decoder.log_variance"])
        covariance = f.solve(inverse_prior + f.transpose(weight) @ weight * precision, identity)
        residual = (x - w["decoder.mean.bias"])[None] @ weight * precision
        centre = (residual + mean[None] @ inverse_prior) @ covariance
        return log_normal_full(f, z, centre[0], covariance)

    def elbo(self, f: Functions, w: Weights, x: Tensor) -> Tensor:
        """E_q log p(x|z) = log p(x|mean) − tr(W S Wᵀ)/2v, less the KL between two Gaussians."""
        centre, covariance = self._recognition(f, w, x)
        mean, factor = self._prior(f, w)
        weight, precision = w["decoder.mean.weight"], f.exp(-w["decoder.log_variance"])
        trace = f.sum(f.sum((weight @ covariance) * weight, -1), 0) * precision
        expected = self.log_likelihood(f, w, x, centre[None])[0] - 0.5 * trace[0]
        prior = factor @ f.transpose(factor)
        identity = f.constant(np.eye(self.latents))
        ratio = f.sum(f.sum(f.solve(prior, covariance) * identity, -1), 0)
        difference = (centre - mean)[None]
        distance = (difference @ f.solve(prior, f.transpose(difference)))[0, 0]
        kl = 0.5 * (ratio + distance - self.latents + f.log_det(prior) - f.log_det(covariance))
        return expected - kl

    def marginal_kl(self, f: Functions, w: Weights) -> Tensor:
        """KL(p(x) ‖ N(0, I)) where x has as many dimensions as z, so that the two can be compared: []."""
        factor = self._prior(f, w)[1]
        spread = w["decoder.mean.weight"] @ factor
        centre = w["decoder.mean.bias"]
        identity = f.constant(np.eye(self.latents))
        covariance = spread @ f.transpose(spread) + identity * f.exp(w["decoder.log_variance"])
        trace = f.sum(f.sum(covariance * identity, -1), 0)
        return 0.5 * (trace + f.sum(centre * centre, 0) - self.latents - f.log_det(covariance))

    def _prior(self, f: Functions, w: Weights) -> tuple[Tensor, Tensor]:
        if self.learned:
            return w["prior.mean"], w["prior.factor"] * f.constant(np.tri(self.latents))
        return f.constant(np.zeros(self.latents)), f.constant(np.eye(self.latents))

    def _recognition(self, f: Functions, w: Weights, x: Tensor) -> tuple[Tensor, Tensor]:
        centre = (x[None] @ f.transpose(w["encoder.mean.weight"]))[0] + w["encoder.mean.bias"]
        factor = w["encoder.factor"] * f.constant(np.tri(self.latents))
        return centre, factor @ f.transpose(factor)


def log_normal(f: Functions, value: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Diagonal Gaussian over the last axis."""
    difference = value - mean
    return -0.5 * f.sum(LOG_2PI + log_variance + difference * difference * f.exp(-log_variance), -1)


def log_normal_full(f: Functions, value: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    """value: [point, axis], mean: [axis], covariance: [axis, axis] → [point]."""
    difference = value - mean
    distances = f.sum(difference * f.transpose(f.solve(covariance, f.transpose(difference))), -1)
    return -0.5 * (distances + f.log_det(covariance) + value.shape[1] * LOG_2PI)


def _stack(f: Functions, rows: list[Tensor]) -> Tensor:
    """[1, point] each → [row, point], by adding: `Functions` needs no concatenation for it."""
    count = len(rows)
    return sum(f.constant(np.eye(count)[:, [k]]) @ row for k, row in enumerate(rows))
