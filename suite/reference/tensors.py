"""The canonical tensors in the order of data flow, each with its axes: the tensors that are compared."""

from __future__ import annotations

#: Scale kinds of one number per dimension. A new one also goes into `normal.scale_kinds`,
#: `notations/roles.TO_LOG_VARIANCE` and, with its forms, `notations/equations/scales.py`.
DIAGONAL = ("log_variance", "log_sd", "variance", "sd", "precision", "log_precision")
#: Scale kinds of a whole matrix: C; the lower-triangular L of C = LLᵀ; any other R of C = RRᵀ; C⁻¹.
MATRIX = ("covariance", "cholesky", "factor", "precision_matrix")

Axes = tuple[str, ...]
_PER_DATUM = ("batch",)
_PER_LATENT = ("batch", "latent")
_PER_DRAW = ("sample", "batch", "latent")
_PER_PIXEL = ("sample", "batch", "data")
_MATRIX = ("batch", "row", "column")


def scales(prefix: str, kinds: tuple[str, ...] = DIAGONAL) -> dict[str, str]:
    """Scale kind → the canonical tensor `<prefix>_<kind>`."""
    return {kind: f"{prefix}_{kind}" for kind in kinds}


#: The equality check walks these in their order, and names the first one that diverges.
TENSORS: dict[str, Axes] = {
    "posterior_mean": _PER_LATENT,
    **dict.fromkeys(scales("posterior").values(), _PER_LATENT),
    **dict.fromkeys(scales("cholesky").values(), _PER_LATENT),
    **dict.fromkeys(scales("rank_one").values(), _PER_LATENT),
    "rank_one_vector": _PER_LATENT,
    **dict.fromkeys(scales("posterior", MATRIX).values(), _MATRIX),
    "prior_mean": ("latent",),
    **dict.fromkeys(scales("prior").values(), ("latent",)),
    "latent": _PER_DRAW,
    "decoder_logits": _PER_PIXEL,
    "decoder_probability": _PER_PIXEL,
    "decoder_mean": _PER_PIXEL,
    **dict.fromkeys(scales("decoder").values(), _PER_PIXEL),
    "log_likelihood": _PER_DATUM,
    "log_prior": _PER_DATUM,
    "log_posterior": _PER_DATUM,
    "kl": _PER_DATUM,
    "kl_monte_carlo": _PER_DATUM,
    "elbo": _PER_DATUM,
    "elbo_monte_carlo": _PER_DATUM,
    "weighted_elbo": _PER_DATUM,
    "weighted_elbo_monte_carlo": _PER_DATUM,
    "iwae": _PER_DATUM,
    "weight_kl": (),
    "weight_kl_monte_carlo": (),
}

#: The tensors that `evaluate` prints as terms.
TERMS = ("log_likelihood", "kl", "elbo", "elbo_monte_carlo", "iwae", "posterior_mean", "posterior_log_variance")

#: What an objective may reduce over a batch, and gradients are of.
BOUNDS = ("elbo", "elbo_monte_carlo", "iwae")
