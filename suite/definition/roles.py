"""The closed vocabulary of roles, kinds, nets and scale kinds, and the canonical tensor behind each role."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
        tensor: the canonical tensor that a quantity of this role becomes; None where it is compared with none.
        axes: the axes of that tensor by name, outermost first.
        scaled: whether a symbol of this role has a scale kind (standard deviation, variance, ...).
    """

    name: str
    meaning: str
    tensor: str | None = None
    axes: tuple[str, ...] = ()
    scaled: bool = False


_PER_DATUM = ("batch",)
_PER_LATENT = ("batch", "latent")
_PER_DRAW = ("sample", "batch", "latent")
_PER_PIXEL = ("sample", "batch", "data")

# The order of data flow: the equality check walks it and names the first tensor that diverges.
_COMPARED = (
    Role("posterior_mean", "mean of q(z|x)", "posterior_mean", _PER_LATENT),
    Role("posterior_scale", "scale of q(z|x)", "posterior_log_variance", _PER_LATENT, scaled=True),
    Role("latent", "the reparameterised draw of z", "latent", _PER_DRAW),
    Role("decoder_logits", "logits of a Bernoulli p(x|z)", "decoder_logits", _PER_PIXEL),
    Role(
        "decoder_mean", "mean of p(x|z): of a Gaussian, or the probabilities of a Bernoulli", "decoder_mean", _PER_PIXEL
    ),
    Role("decoder_scale", "scale of a Gaussian p(x|z)", "decoder_log_variance", _PER_PIXEL, scaled=True),
    Role("log_likelihood", "log p(x|z), averaged over the draws", "log_likelihood", _PER_DATUM),
    Role("kl", "KL(q(z|x) || p(z)) in closed form", "kl", _PER_DATUM),
    Role("elbo", "log likelihood minus closed-form KL", "elbo", _PER_DATUM),
    Role("elbo_monte_carlo", "log p(x,z) - log q(z|x), averaged over the draws", "elbo_monte_carlo", _PER_DATUM),
    Role("iwae", "log of the mean importance weight", "iwae", _PER_DATUM),
)
_NAMED = (
    Role("data", "x"),
    Role("noise", "standard normal draws"),
    Role("generative_weights", "weights of the generative model"),
    Role("inference_weights", "weights of the recognition model"),
    Role("prior_mean", "mean of p(z)"),
    Role("prior_scale", "scale of p(z)", scaled=True),
    Role("log_prior", "log p(z) at a draw"),
    Role("log_posterior", "log q(z|x) at a draw"),
    Role("joint", "p(x,z)"),
    Role("marginal", "p(x)"),
    Role("posterior", "p(z|x)"),
    Role("approximate_posterior", "q(z|x)"),
    Role("likelihood", "p(x|z)"),
    Role("prior", "p(z)"),
    Role("objective", "the published objective on a batch"),
    Role("data_count", "number of data in the whole set"),
    Role("batch_size", "number of data in a batch"),
    Role("sample_count", "number of noise draws per datum"),
    Role("latent_size", "number of latent dimensions"),
    Role("data_size", "number of data dimensions"),
)

ROLES: dict[str, Role] = {role.name: role for role in (*_COMPARED, *_NAMED)}

#: Canonical tensors in the order of data flow, each with its axes.
TENSORS: dict[str, tuple[str, ...]] = {role.tensor: role.axes for role in _COMPARED if role.tensor}

#: The tensors that `evaluate` prints as terms.
TERMS = ("log_likelihood", "kl", "elbo", "elbo_monte_carlo", "iwae", "posterior_mean", "posterior_log_variance")

#: Scale kind → the published number as a canonical log-variance.
TO_LOG_VARIANCE: dict[str, Callable[[Array], Array]] = {
    "sd": lambda s: 2 * np.log(s),
    "variance": np.log,
    "log_sd": lambda s: 2 * s,
    "log_variance": lambda s: s,
}
