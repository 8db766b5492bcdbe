"""The closed vocabulary of roles, kinds and nets, and the canonical tensor behind each role and scale kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..reference.tensors import MATRIX, TENSORS, scales

Array = NDArray[np.floating]

KINDS = (
    "weights",
    "distribution parameter",
    "distribution",
    "latent",
    "noise",
    "data",
    "constant",
    "objective",
    "term",
)
NETS = ("generative", "inference", "both", "none")


@dataclass(frozen=True)
class Role:
    """The meaning of a symbol, whatever letter a source prints for it.

    Attributes:
        name: the role's key in notation.toml.
        meaning: one line for readers.
        kind: what a symbol of this role is, one of `KINDS`.
        net: the network to which it belongs, one of `NETS`.
        tensor: the canonical tensor that a quantity of this role becomes; None where it is compared with none.
        scales: for a scale, its kinds, each with the canonical tensor that it becomes.
    """

    name: str
    meaning: str
    kind: str
    net: str
    tensor: str | None = None
    scales: Mapping[str, str] = field(default_factory=dict)

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes of its tensor by name, outermost first; () where there is none."""
        return TENSORS[self.tensor] if self.tensor else ()

    @property
    def scaled(self) -> bool:
        """Whether a symbol of this role has a scale kind (standard deviation, variance, ...)."""
        return bool(self.scales)

    def tensor_of(self, scale: str | None) -> str | None:
        """The canonical tensor behind a symbol of this role and scale kind."""
        return self.scales[scale] if scale is not None and self.scaled else self.tensor


_COMPARED = (
    Role("posterior_mean", "mean of q(z|x)", "distribution parameter", "inference", "posterior_mean"),
    Role(
        "posterior_scale",
        "scale of q(z|x), per latent",
        "distribution parameter",
        "inference",
        "posterior_log_variance",
        scales("posterior"),
    ),
    Role(
        "cholesky_diagonal",
        "diagonal of the Cholesky factor of q(z|x)",
        "distribution parameter",
        "inference",
        "cholesky_log_variance",
        scales("cholesky"),
    ),
    Role(
        "precision_diagonal",
        "D of the precision D + uuᵀ of q(z|x)",
        "distribution parameter",
        "inference",
        "rank_one_log_variance",
        scales("rank_one"),
    ),
    Role(
        "precision_vector",
        "u of the precision D + uuᵀ of q(z|x)",
        "distribution parameter",
        "inference",
        "rank_one_vector",
    ),
    Role(
        "posterior_matrix",
        "covariance of q(z|x), or what it is made of",
        "distribution parameter",
        "inference",
        "posterior_covariance",
        scales("posterior", MATRIX),
    ),
    Role("prior_mean", "mean of a learned p(z)", "weights", "generative", "prior_mean"),
    Role(
        "prior_scale",
        "scale of a learned p(z)",
        "weights",
        "generative",
        "prior_log_variance",
        scales("prior"),
    ),
    Role("latent", "the reparameterised draw of z", "latent", "both", "latent"),
    Role(
        "decoder_logits",
        "logits of a Bernoulli p(x|z)",
        "distribution parameter",
        "generative",
        "decoder_logits",
    ),
    Role(
        "decoder_probability",
        "mean of a Bernoulli p(x|z)",
        "distribution parameter",
        "generative",
        "decoder_probability",
    ),
    Role("decoder_mean", "mean of a Gaussian p(x|z)", "distribution parameter", "generative", "decoder_mean"),
    Role(
        "decoder_scale",
        "scale of a Gaussian p(x|z)",
        "distribution parameter",
        "generative",
        "decoder_log_variance",
        scales("decoder"),
    ),
    Role("log_likelihood", "log p(x|z), averaged over the draws", "term", "generative", "log_likelihood"),
    Role("log_prior", "log p(z), averaged over the draws", "term", "generative", "log_prior"),
    Role("log_posterior", "log q(z|x), averaged over the draws", "term", "inference", "log_posterior"),
    Role("kl", "KL(q(z|x) ‖ p(z)) in closed form", "term", "both", "kl"),
    Role("kl_monte_carlo", "log q(z|x) − log p(z), averaged over the draws", "term", "both", "kl_monte_carlo"),
    Role("elbo", "log likelihood − closed-form KL", "objective", "both", "elbo"),
    Role(
        "elbo_monte_carlo",
        "log p(x,z) − log q(z|x), averaged over the draws",
        "objective",
        "both",
        "elbo_monte_carlo",
    ),
    Role("weighted_elbo", "log likelihood − β · closed-form KL", "objective", "both", "weighted_elbo"),
    Role(
        "weighted_elbo_monte_carlo",
        "log likelihood − β · (log q(z|x) − log p(z)), averaged over the draws",
        "objective",
        "both",
        "weighted_elbo_monte_carlo",
    ),
    Role("iwae", "log of the mean importance weight", "objective", "both", "iwae"),
    Role("weight_kl", "KL(q(θ) ‖ p(θ)) of the decoder's weights in closed form", "term", "both", "weight_kl"),
    Role(
        "weight_kl_monte_carlo",
        "log q(θ) − log p(θ), averaged over the draws",
        "term",
        "both",
        "weight_kl_monte_carlo",
    ),
)
_NAMED = (
    Role("data", "x", "data", "none"),
    Role("noise", "standard normal draws behind z", "noise", "none"),
    Role("generated_latent", "a layer that the generative model computes from z", "latent", "generative"),
    Role("weight_noise", "standard normal draws behind the decoder's weights", "noise", "none"),
    Role("generative_weights", "weights of the generative model", "weights", "generative"),
    Role("prior_weights", "weights of a learned prior alone", "weights", "generative"),
    Role("inference_weights", "weights of the recognition model, or free parameters of q", "weights", "inference"),
    Role("all_weights", "weights of both models under one letter", "weights", "both"),
    Role("joint", "p(x,z)", "distribution", "generative"),
    Role("marginal", "p(x)", "distribution", "generative"),
    Role("posterior", "p(z|x)", "distribution", "generative"),
    Role("approximate_posterior", "q(z|x)", "distribution", "inference"),
    Role("likelihood", "p(x|z)", "distribution", "generative"),
    Role("prior", "p(z)", "distribution", "generative"),
    Role("weight_prior", "p(θ)", "distribution", "none"),
    Role("weight_posterior", "q(θ)", "distribution", "inference"),
    Role("exact_bound", "the bound of one datum, an expectation that no draw enters", "objective", "both"),
    Role("exact_data_bound", "the exact bound of all data", "objective", "both"),
    Role("log_marginal", "log p(x) of one datum", "term", "generative"),
    Role("log_data_marginal", "log p(x) of all data", "term", "generative"),
    Role("objective", "the published objective on a batch", "objective", "both"),
    Role("data_count", "number of data in the whole set", "constant", "none"),
    Role("batch_size", "number of data in a batch", "constant", "none"),
    Role("sample_count", "number of noise draws per datum", "constant", "none"),
    Role("latent_size", "number of latent dimensions", "constant", "none"),
    Role("data_size", "number of data dimensions", "constant", "none"),
    Role("component_count", "number of pseudo-inputs", "constant", "none"),
    Role("kl_weight", "weight of the KL in the objective", "constant", "none"),
    Role("decoder_variance", "the constant variance of a Gaussian p(x|z)", "constant", "none"),
    Role("layer_count", "number of stochastic layers", "constant", "none"),
)

ROLES: dict[str, Role] = {role.name: role for role in (*_COMPARED, *_NAMED)}

FAMILIES = (
    ("posterior_scale", "cholesky_diagonal", "precision_diagonal", "precision_vector", "posterior_matrix"),
    ("decoder_scale", "decoder_variance"),
)
"""Roles that say the spread of one distribution, each in its own way."""


def family(role: str) -> tuple[str, ...]:
    """A role and those that play its part in other sources."""
    return next((roles for roles in FAMILIES if role in roles), (role,))


#: Scale kind → the published number as a canonical log-variance.
TO_LOG_VARIANCE: dict[str, Callable[[Array], Array]] = {
    "log_variance": lambda s: s,
    "log_sd": lambda s: 2 * s,
    "variance": np.log,
    "sd": lambda s: 2 * np.log(s),
    "precision": lambda s: -np.log(s),
    "log_precision": lambda s: -s,
}
