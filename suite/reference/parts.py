"""Which part of a wrong tensor is wrong, where it is a sum of few: the KL's mean², the noise of a latent."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .comparison import Tensors
from .mistakes import CLOSE, close

Array = NDArray[Any]

SUMS = {
    "kl_monte_carlo": {"log_posterior": 1, "log_prior": -1},
    "elbo": {"log_likelihood": 1, "kl": -1},
    "elbo_monte_carlo": {"log_likelihood": 1, "log_prior": 1, "log_posterior": -1},
}
"""Tensor → the tensors of which it is the sum, with their signs."""


@np.errstate(all="ignore")  # numbers too large or too small to square get no name
def wrong_part(tensor: str, found: Array, truth: Tensors) -> str:
    """Which part of `found` has another sign or factor than it should; empty where that does not explain all of it.

    Args:
        tensor: its canonical name.
        found: what a cell returned.
        truth: canonical name → the reference of the problem.
    """
    expected = truth[tensor]
    parts = _parts(tensor, truth)
    if found.shape != expected.shape or not parts or not close(sum(parts.values(), np.zeros(())), expected):
        return ""
    error = found - expected
    for words, part in parts.items():
        times = 1 + float(np.vdot(part, error) / np.vdot(part, part))
        if close(error, (times - 1) * part):
            if abs(times + 1) < CLOSE:
                return f"{words} has the other sign in it"
            return f"{words} is missing in it" if abs(times) < CLOSE else f"{words} counts {times:.4g} times in it"
    if tensor == "latent":
        noise = error + parts["its noise"]
        for kind in ("variance", "log_variance", "log_sd"):
            scaled = parts["its noise"] / truth["posterior_sd"] * truth[f"posterior_{kind}"]
            if close(noise, scaled):
                return f"its noise is multiplied by posterior_{kind}, not by posterior_sd"
    return ""


def _parts(tensor: str, truth: Tensors) -> dict[str, Array]:
    """The parts of a tensor by name, as arrays of its shape; none where it is not known to be a sum."""
    if tensor in SUMS and truth.keys() >= SUMS[tensor].keys():
        return {name: sign * truth[name] for name, sign in SUMS[tensor].items()}
    if not truth.keys() >= {"posterior_mean", "posterior_variance", "posterior_log_sd", "latent"}:
        return {}
    mean, shape = truth["posterior_mean"], truth[tensor].shape
    if tensor == "latent" and shape[-mean.ndim :] == mean.shape:
        return {"posterior_mean": np.broadcast_to(mean, shape), "its noise": truth["latent"] - mean}
    if tensor == "kl" and shape == mean.shape[:-1]:
        variance, log_variance = truth["posterior_variance"], truth["posterior_log_variance"]
        halves = {"mean²": mean**2, "variance": variance, "log variance": -log_variance, "1": -np.ones_like(mean)}
        return {f"½ Σ {words}": half.sum(-1) / 2 for words, half in halves.items()}
    return {}
