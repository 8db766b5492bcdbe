"""Generative models small enough for p(x) and p(z|x) to be known, over the tensors of any framework.

Networks, priors and likelihoods are the families' own: what is here is p(x), p(z|x) and the ELBO. `w` holds canonical
weights (`encoder.mean.weight` [latent, hidden], ...); log densities are in nats, with every constant.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, cast

import numpy as np

from ..reference import networks, normal
from ..reference.normal import LOG_2PI
from ..reference.problem import Array
from ..reference.spec import Spec
from .functions import Functions, Tensor, tensors

Weights = Mapping[str, Tensor]

ROWS = ("p(z)", "p(x|z)", "p(x, z)", "p(x)", "p(z|x)", "q(z|x)", "ELBO")
"""The distributions that can carry the subscript, in the order of the dependency table."""

# The definition is annotated for a tape's nodes; a `Tensor` has the same operators and methods.
log_normal: Callable[..., Tensor] = cast(Any, normal.log_normal)
affine: Callable[..., Tensor] = cast(Any, networks.affine)
encode: Callable[..., dict[str, Tensor]] = cast(Any, networks.encode)
decode: Callable[..., dict[str, Tensor]] = cast(Any, networks.decode)


class Model(ABC):
    """A joint p(x, z) = p(z) p(x|z) of one datum, its marginal, both posteriors, and the ELBO."""

    @abstractmethod
    def log_prior(self, w: Weights, z: Tensor) -> Tensor:
        """z: [point, latent] → log p(z): [point]."""

    @abstractmethod
    def log_likelihood(self, w: Weights, x: Tensor, z: Tensor) -> Tensor:
        """x: [data], z: [point, latent] → log p(x|z): [point]."""

    @abstractmethod
    def log_recognition(self, w: Weights, x: Tensor, z: Tensor) -> Tensor:
        """x: [data], z: [point, latent] → log q(z|x): [point]."""

    @abstractmethod
    def log_marginal(self, w: Weights, x: Tensor) -> Tensor:
        """x: [data] → log p(x): []."""

    @abstractmethod
    def log_posterior(self, w: Weights, x: Tensor, z: Tensor) -> Tensor:
        """x: [data], z: [point, latent] → log p(z|x): [point]."""

    @abstractmethod
    def elbo(self, w: Weights, x: Tensor) -> Tensor:
        """x: [data] → E_q[log p(x, z) − log q(z|x)]: []."""

    def rows(self, f: Functions, weights: Mapping[str, Any], x: Any, z: Any) -> list[Any]:
        """A framework's own x: [data], z: [latent] → the log densities of `ROWS` (and the ELBO), scalars of its own."""
        w, datum, point = tensors(f, weights), Tensor(x, f), Tensor(z, f)[None]
        prior, likelihood = self.log_prior(w, point)[0], self.log_likelihood(w, datum, point)[0]
        found = [
            prior,
            likelihood,
            likelihood + prior,
            self.log_marginal(w, datum),
            self.log_posterior(w, datum, point)[0],
            self.log_recognition(w, datum, point)[0],
            self.elbo(w, datum),
        ]
        return [row.value for row in found]


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
        grid: the grid of the quadrature.
        spec: the model.
        tied: whether both layers of the decoder are the transposes of two of the encoder.
    """

    grid: Grid
    spec: Spec
    tied: bool = False

    def log_prior(self, w: Weights, z: Tensor) -> Tensor:
        density: Callable[..., Tensor] = cast(Any, self.spec.families.prior.log_density)
        return density(self.spec, z, self._canonical(w))

    def log_likelihood(self, w: Weights, x: Tensor, z: Tensor) -> Tensor:
        density: Callable[..., Tensor] = cast(Any, self.spec.families.likelihood.log_density)
        return density(self.spec, x, decode(self.spec, z, self._canonical(w)))

    def log_recognition(self, w: Weights, x: Tensor, z: Tensor) -> Tensor:
        heads = encode(self.spec, x[None], self._canonical(w))
        return log_normal(z, heads["mean"], heads["log_variance"])

    def log_marginal(self, w: Weights, x: Tensor) -> Tensor:
        return self._log_joint(w, x).logsumexp(0) + self.grid.log_volume

    def log_posterior(self, w: Weights, x: Tensor, z: Tensor) -> Tensor:
        joint = self.log_likelihood(w, x, z) + self.log_prior(w, z)
        return joint - self.log_marginal(w, x)

    def elbo(self, w: Weights, x: Tensor) -> Tensor:
        recognition = self.log_recognition(w, x, x.constant(self.grid.nodes()))
        gap = self._log_joint(w, x) - recognition
        return ((recognition + self.grid.log_volume).exp() * gap).sum(0)

    def _log_joint(self, w: Weights, x: Tensor) -> Tensor:
        nodes = x.constant(self.grid.nodes())
        return self.log_likelihood(w, x, nodes) + self.log_prior(w, nodes)

    def _canonical(self, w: Weights) -> Weights:
        """By their canonical names: pseudo-inputs are a block of their own here, and tied layers are one."""
        if self.spec.prior == "vamp":
            w = {**w, "prior.pseudo_inputs": w["pseudo.inputs"]}
        if not self.tied:
            return w
        return {
            **w,
            "encoder.hidden.0.weight": w["tied.data.weight"],
            "decoder.logits.weight": w["tied.data.weight"].transpose(),
            "encoder.mean.weight": w["tied.latent.weight"],
            "decoder.hidden.0.weight": w["tied.latent.weight"].transpose(),
        }


class Linear(Model):
    """z ~ N(m, RRᵀ), x = Wz + b + noise of one variance, q(z|x) = N(Ax + c, LLᵀ): everything in closed form.

    R and L are lower triangular factors; without weights of a prior m = 0 and R = I.
    """

    def log_prior(self, w: Weights, z: Tensor) -> Tensor:
        mean, factor = self._prior(w)
        return log_normal_full(z, mean, factor @ factor.transpose())

    def log_likelihood(self, w: Weights, x: Tensor, z: Tensor) -> Tensor:
        return log_normal(x, affine(z, w, "decoder.mean"), w["decoder.log_variance"])

    def log_recognition(self, w: Weights, x: Tensor, z: Tensor) -> Tensor:
        return log_normal_full(z, *self._recognition(w, x))

    def log_marginal(self, w: Weights, x: Tensor) -> Tensor:
        mean, factor = self._prior(w)
        spread = w["decoder.mean.weight"] @ factor
        noise = x.constant(np.eye(x.shape[0])) * w["decoder.log_variance"].exp()
        centre = affine(mean[None], w, "decoder.mean")[0]
        return log_normal_full(x[None], centre, spread @ spread.transpose() + noise)[0]

    def log_posterior(self, w: Weights, x: Tensor, z: Tensor) -> Tensor:
        """By its own closed form, N(z; S(Wᵀ(x − b)/v + P⁻¹m), S) with S = (P⁻¹ + WᵀW/v)⁻¹, P = RRᵀ: no use of p(x)."""
        mean, factor = self._prior(w)
        identity = x.constant(np.eye(mean.shape[0]))
        inverse_prior = (factor @ factor.transpose()).solve(identity)
        weight, precision = w["decoder.mean.weight"], (-w["decoder.log_variance"]).exp()
        covariance = (inverse_prior + weight.transpose() @ weight * precision).solve(identity)
        residual = (x - w["decoder.mean.bias"])[None] @ weight * precision
        centre = (residual + mean[None] @ inverse_prior) @ covariance
        return log_normal_full(z, centre[0], covariance)

    def elbo(self, w: Weights, x: Tensor) -> Tensor:
        """E_q log p(x|z) = log p(x|mean) − tr(W S Wᵀ)/2v, less the KL between two Gaussians."""
        centre, covariance = self._recognition(w, x)
        mean, factor = self._prior(w)
        weight, precision = w["decoder.mean.weight"], (-w["decoder.log_variance"]).exp()
        trace = ((weight @ covariance) * weight).sum(-1).sum(0) * precision
        expected = self.log_likelihood(w, x, centre[None])[0] - 0.5 * trace[0]
        prior = factor @ factor.transpose()
        latents = mean.shape[0]
        identity = x.constant(np.eye(latents))
        ratio = (prior.solve(covariance) * identity).sum(-1).sum(0)
        difference = (centre - mean)[None]
        distance = (difference @ prior.solve(difference.transpose()))[0, 0]
        kl = 0.5 * (ratio + distance - latents + prior.log_det() - covariance.log_det())
        return expected - kl

    def marginal_kl(self, f: Functions, weights: Mapping[str, Any]) -> Any:
        """KL(p(x) ‖ N(0, I)) where x has as many dimensions as z, so that the two can be compared: []."""
        w = tensors(f, weights)
        factor = self._prior(w)[1]
        spread = w["decoder.mean.weight"] @ factor
        centre = w["decoder.mean.bias"]
        identity = centre.constant(np.eye(centre.shape[0]))
        covariance = spread @ spread.transpose() + identity * w["decoder.log_variance"].exp()
        trace = (covariance * identity).sum(-1).sum(0)
        return (0.5 * (trace + (centre * centre).sum(0) - centre.shape[0] - covariance.log_det())).value

    def _prior(self, w: Weights) -> tuple[Tensor, Tensor]:
        weight = w["decoder.mean.weight"]
        latents = weight.shape[1]
        if "prior.mean" in w:
            return w["prior.mean"], w["prior.factor"] * weight.constant(np.tri(latents))
        return weight.constant(np.zeros(latents)), weight.constant(np.eye(latents))

    def _recognition(self, w: Weights, x: Tensor) -> tuple[Tensor, Tensor]:
        centre = affine(x[None], w, "encoder.mean")[0]
        factor = w["encoder.factor"] * x.constant(np.tri(centre.shape[0]))
        return centre, factor @ factor.transpose()


def log_normal_full(value: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    """value: [point, axis], mean: [axis], covariance: [axis, axis] → [point]."""
    difference = value - mean
    distances = (difference * covariance.solve(difference.transpose()).transpose()).sum(-1)
    return -0.5 * (distances + covariance.log_det() + value.shape[1] * LOG_2PI)
