"""Generative models small enough for p(x) and p(z|x) to be known.

Networks, priors and likelihoods are the families' own: what is here is p(x), p(z|x) and the ELBO. `w` holds canonical
weights (`encoder.mean.weight` [latent, hidden], ...); log densities are in nats, with every constant. A model is
written over a tape's nodes, and runs on `functions.Tensor` as well.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import product

import numpy as np

from ..reference.networks import affine, decode, encode
from ..reference.node import Node, Nodes
from ..reference.normal import LOG_2PI, log_normal
from ..reference.problem import Array
from ..reference.spec import Spec

ROWS = ("p(z)", "p(x|z)", "p(x, z)", "p(x)", "p(z|x)", "q(z|x)", "ELBO")
"""The distributions that can carry the subscript, in the order of the dependency table."""


class Model(ABC):
    """A joint p(x, z) = p(z) p(x|z) of one datum, its marginal, both posteriors, and the ELBO."""

    @abstractmethod
    def log_prior(self, w: Nodes, z: Node) -> Node:
        """z: [point, latent] → log p(z): [point]."""

    @abstractmethod
    def log_likelihood(self, w: Nodes, x: Node, z: Node) -> Node:
        """x: [data], z: [point, latent] → log p(x|z): [point]."""

    @abstractmethod
    def log_recognition(self, w: Nodes, x: Node, z: Node) -> Node:
        """x: [data], z: [point, latent] → log q(z|x): [point]."""

    @abstractmethod
    def log_marginal(self, w: Nodes, x: Node) -> Node:
        """x: [data] → log p(x): []."""

    @abstractmethod
    def log_posterior(self, w: Nodes, x: Node, z: Node) -> Node:
        """x: [data], z: [point, latent] → log p(z|x): [point]."""

    @abstractmethod
    def elbo(self, w: Nodes, x: Node) -> Node:
        """x: [data] → E_q[log p(x, z) − log q(z|x)]: []."""

    def rows(self, w: Nodes, x: Node, z: Node) -> dict[str, Node]:
        """x: [data], z: [latent] → the log densities of `ROWS` (and the ELBO), [] each."""
        point = z.expand(-2)
        prior, likelihood = self.log_prior(w, point)[0], self.log_likelihood(w, x, point)[0]
        found = (
            prior,
            likelihood,
            likelihood + prior,
            self.log_marginal(w, x),
            self.log_posterior(w, x, point)[0],
            self.log_recognition(w, x, point)[0],
            self.elbo(w, x),
        )
        return dict(zip(ROWS, found, strict=True))


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

    def log_prior(self, w: Nodes, z: Node) -> Node:
        return self.spec.families.prior.log_density(self.spec, z, self._canonical(w))

    def log_likelihood(self, w: Nodes, x: Node, z: Node) -> Node:
        return self.spec.families.likelihood.log_density(self.spec, x, decode(self.spec, z, self._canonical(w)))

    def log_recognition(self, w: Nodes, x: Node, z: Node) -> Node:
        heads = encode(self.spec, x.expand(-2), self._canonical(w))
        return log_normal(z, heads["mean"], heads["log_variance"])

    def log_marginal(self, w: Nodes, x: Node) -> Node:
        return self._log_joint(w, x).logsumexp(0) + self.grid.log_volume

    def log_posterior(self, w: Nodes, x: Node, z: Node) -> Node:
        joint = self.log_likelihood(w, x, z) + self.log_prior(w, z)
        return joint - self.log_marginal(w, x)

    def elbo(self, w: Nodes, x: Node) -> Node:
        recognition = self.log_recognition(w, x, x.constant(self.grid.nodes()))
        gap = self._log_joint(w, x) - recognition
        return ((recognition + self.grid.log_volume).exp() * gap).sum(0)

    def _log_joint(self, w: Nodes, x: Node) -> Node:
        nodes = x.constant(self.grid.nodes())
        return self.log_likelihood(w, x, nodes) + self.log_prior(w, nodes)

    def _canonical(self, w: Nodes) -> Nodes:
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

    def log_prior(self, w: Nodes, z: Node) -> Node:
        return log_normal_full(z, *self._prior(w))

    def log_likelihood(self, w: Nodes, x: Node, z: Node) -> Node:
        return log_normal(x, affine(z, w, "decoder.mean"), w["decoder.log_variance"])

    def log_recognition(self, w: Nodes, x: Node, z: Node) -> Node:
        return log_normal_full(z, *self._recognition(w, x))

    def log_marginal(self, w: Nodes, x: Node) -> Node:
        return log_normal_full(x.expand(-2), *self._marginal(w))[0]

    def log_posterior(self, w: Nodes, x: Node, z: Node) -> Node:
        """By its own closed form, N(z; S(Wᵀ(x − b)/v + P⁻¹m), S) with S = (P⁻¹ + WᵀW/v)⁻¹, P = RRᵀ: no use of p(x)."""
        mean, prior = self._prior(w)
        inverse_prior = prior.solve(_identity(prior))
        weight, precision = w["decoder.mean.weight"], (-w["decoder.log_variance"]).exp()
        covariance = (inverse_prior + weight.transpose() @ weight * precision).solve(_identity(prior))
        residual = (x - w["decoder.mean.bias"]).expand(-2) @ weight * precision
        centre = (residual + mean.expand(-2) @ inverse_prior) @ covariance
        return log_normal_full(z, centre[0], covariance)

    def elbo(self, w: Nodes, x: Node) -> Node:
        """E_q log p(x|z) = log p(x|mean) − tr(W S Wᵀ)/2v, less the KL between two Gaussians."""
        centre, covariance = self._recognition(w, x)
        weight, precision = w["decoder.mean.weight"], (-w["decoder.log_variance"]).exp()
        trace = ((weight @ covariance) * weight).sum(-1).sum(0) * precision
        expected = self.log_likelihood(w, x, centre.expand(-2))[0] - 0.5 * trace[0]
        return expected - kl((centre, covariance), self._prior(w))

    def marginal_kl(self, w: Nodes) -> Node:
        """KL(p(x) ‖ p(z)) where x has as many dimensions as z, so that the two can be compared: []."""
        return kl(self._marginal(w), self._prior(w))

    def _prior(self, w: Nodes) -> tuple[Node, Node]:
        weight = w["decoder.mean.weight"]
        latents = weight.shape[1]
        if "prior.mean" not in w:
            return weight.constant(np.zeros(latents)), weight.constant(np.eye(latents))
        factor = w["prior.factor"] * weight.constant(np.tri(latents))
        return w["prior.mean"], factor @ factor.transpose()

    def _marginal(self, w: Nodes) -> tuple[Node, Node]:
        mean, prior = self._prior(w)
        centre = affine(mean.expand(-2), w, "decoder.mean")[0]
        spread = w["decoder.mean.weight"] @ prior @ w["decoder.mean.weight"].transpose()
        return centre, spread + _identity(spread) * w["decoder.log_variance"].exp()

    def _recognition(self, w: Nodes, x: Node) -> tuple[Node, Node]:
        centre = affine(x.expand(-2), w, "encoder.mean")[0]
        factor = w["encoder.factor"] * x.constant(np.tri(centre.shape[0]))
        return centre, factor @ factor.transpose()


def log_normal_full(value: Node, mean: Node, covariance: Node) -> Node:
    """value: [point, axis], mean: [axis], covariance: [axis, axis] → [point]."""
    difference = value - mean
    distances = (difference * covariance.solve(difference.transpose()).transpose()).sum(-1)
    return -0.5 * (distances + covariance.log_det() + value.shape[1] * LOG_2PI)


def kl(one: tuple[Node, Node], other: tuple[Node, Node]) -> Node:
    """KL(one ‖ other) of two Gaussians, each a mean [axis] and a covariance [axis, axis]: []."""
    (mean, covariance), (other_mean, other_covariance) = one, other
    difference = (mean - other_mean).expand(-2)
    distance = (difference @ other_covariance.solve(difference.transpose()))[0][0]
    ratio = (other_covariance.solve(covariance) * _identity(covariance)).sum(-1).sum(0)
    return 0.5 * (ratio + distance - mean.shape[0] + other_covariance.log_det() - covariance.log_det())


def _identity(matrix: Node) -> Node:
    return matrix.constant(np.eye(matrix.shape[0]))
