"""How a wrong tensor relates to the correct one, where a few words can say it: its negative, twice it, its square.

Most mistakes are a sign, a factor, a dropped constant, or a scale of another kind, of a tensor or of a part of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Tensors = Mapping[str, Array]

CLOSE = 1e-4
"""The largest error of a relation, as a share of the largest element. No proof uses it: the tensor is wrong."""
SPREAD = 0.01
"""Elements that are more alike say nothing: a factor and an addend look the same on them."""
HALF_LOG_2PI = math.log(2 * math.pi) / 2

FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "its square": np.square,
    "its square root": np.sqrt,
    "its reciprocal": np.reciprocal,
    "its exponential": np.exp,
    "its logarithm": np.log,
    "the exponential of its half": lambda a: np.exp(a / 2),
    "twice its logarithm": lambda a: 2 * np.log(a),
    "its transpose": lambda a: (
        a.swapaxes(-1, -2) if a.ndim > 1 and a.shape[-1] == a.shape[-2] else np.full(a.shape, np.nan)
    ),
}

SUMS = {
    "kl_monte_carlo": {"log_posterior": 1, "log_prior": -1},
    "elbo": {"log_likelihood": 1, "kl": -1},
    "elbo_monte_carlo": {"log_likelihood": 1, "log_prior": 1, "log_posterior": -1},
}
"""Tensor → the tensors of which it is the sum, with their signs."""


@np.errstate(all="ignore")  # numbers too large or too small to square get no relation
def relation(found: Array, expected: Array) -> str:
    """How `found` relates to `expected`, of the same shape, in every element; empty where no simple relation holds."""
    right, wrong = (np.asarray(a, np.float64).ravel() for a in (expected, found))
    if right.size < 2 or not (np.isfinite(right).all() and np.isfinite(wrong).all()):
        return ""
    if np.ptp(right) <= SPREAD * np.abs(right).max() or close(wrong, right):
        return ""
    factor = float(wrong @ right / (right @ right))
    if factor and close(wrong, factor * right):
        return "all of it has the other sign" if abs(factor + 1) < CLOSE else f"all of it is {factor:.4g} times that"
    addend = float((wrong - right).mean())
    if close(wrong - addend, right):
        return f"all of it is {abs(addend):.4g}{_constant(abs(addend))} too {'high' if addend > 0 else 'low'}"
    for words, function in FUNCTIONS.items():
        if close(np.asarray(found, np.float64), function(np.asarray(expected, np.float64))):
            return f"all of it is {words}"
    return ""


def close(one: Array, other: Array) -> bool:
    """Whether `one` is `other`, up to an error that is small beside the largest element."""
    return bool(np.isfinite(other).all() and np.abs(one - other).max() <= CLOSE * np.abs(other).max())


def _constant(addend: float) -> str:
    """The number of times that log(2π) / 2, which a Gaussian has once for each dimension, is in a constant."""
    times = addend / HALF_LOG_2PI
    return f" ({round(times)} × ½ log 2π)" if round(times) and abs(times - round(times)) < CLOSE * times else ""


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
