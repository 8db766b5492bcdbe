"""Which negative log likelihoods of discrete data are known? The categorical, and the discretised logistic."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np

from .formula import Array, Atom, Formula, Values
from .scale_kinds import softplus

_EPSILONS = (0.0, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 1e-12)


def categorical(name: str) -> Iterator[Formula]:
    """−log p of a class, from logits or log-probabilities [N, ..., K], for class indices or one-hot data.

    One-hot data times log-probabilities is also the linear part of a Bernoulli on logits. That formula is yielded only
    if the argument's name states log-probabilities.

    Args:
        name: the user's name of the reconstruction.
    """
    yield from (_categorical(axis, logits) for axis in (1, -1) for logits in (True, False))
    says = bool(re.search(r"log_?(p|soft)", name.lower()))
    for axis, logits in ((-1, True), (1, True), (-1, False)):
        if logits or says:
            yield _one_hot(axis, logits)


def _normaliser(recon: Array, axis: int) -> Array:
    """log Σ exp over the class axis."""
    largest = recon.max(axis=axis, keepdims=True)
    return np.asarray(largest + np.log(np.exp(recon - largest).sum(axis=axis, keepdims=True)))


def _categorical(axis: int, logits: bool) -> Formula:
    """−log p of integer class indices, which have length one on the class axis."""

    def value(v: Values) -> Array:
        recon, x = v["recon"], v["x"]
        if recon.ndim < 2 or x.ndim != recon.ndim or x.shape[axis] != 1 or x.dtype.kind != "i":
            return np.full_like(recon, np.nan)
        chosen = np.arange(recon.shape[axis]).reshape([-1 if axis % recon.ndim == a else 1 for a in range(recon.ndim)])
        return np.asarray((chosen == x) * ((_normaliser(recon, axis) if logits else 0.0) - recon))

    return _formula(value, logits, "class indices")


def _one_hot(axis: int, logits: bool) -> Formula:
    """−log p of one-hot data."""

    def value(v: Values) -> Array:
        recon, x = v["recon"], v["x"]
        if recon.ndim < 2 or x.shape != recon.shape:
            return np.full_like(recon, np.nan)
        return np.asarray(x * ((_normaliser(recon, axis) if logits else 0.0) - recon))

    return _formula(value, logits, "one-hot data")


def _formula(value: Callable[[Values], Array], logits: bool, data: str) -> Formula:
    argument = "logits" if logits else "log-probabilities"
    text = "sum(log(sum(exp({recon}))) - {recon}[{x}])" if logits else "-sum({recon}[{x}])"
    atom = Atom("-log p({x})", value, {})  # a single atom, which has no edits
    return Formula("categorical", ("recon", "x"), ((1.0, atom),), detail=f"{argument}, {data}", text=text)


def discretised_logistic() -> Iterator[Formula]:
    """−log of the mass of a logistic density in a bin of x.

    The bin begins at x, as one of 256 in Kingma et al. (2016), or is centred at x, as in Salimans et al. (2017).
    """
    scales: dict[str, Callable[[Array], Array]] = {"log_sd": np.exp, "sd": lambda s: s, "softplus": softplus}
    for kind, scale in scales.items():
        for epsilon in _EPSILONS:
            yield _logistic(kind, scale, epsilon, 256.0, 0.0, 1 / 256)
            for half in (1 / 255, 1 / 256, 1 / 510, 1 / 512):
                yield _logistic(kind, scale, epsilon, 0.0, -half, half)


def _logistic(
    kind: str, scale: Callable[[Array], Array], epsilon: float, bins: float, below: float, above: float
) -> Formula:
    """−log of the mass between x + below and x + above; with `bins`, x is rounded down to a multiple of 1/bins."""

    def value(v: Values) -> Array:
        spread = scale(v["recon_scale"])
        distance = (np.floor(v["x"] * bins) / bins if bins else v["x"]) - v["recon"]
        high, low = (1 / (1 + np.exp(-(distance + end) / spread)) for end in (above, below))
        return np.asarray(-np.log(high - low + epsilon))

    return Formula(
        "discretised-logistic",
        ("recon", "recon_scale", "x"),
        ((1.0, Atom("-log(mass of {x})", value, {})),),
        kind=kind,
        detail=f"scale given, {kind}, intervals of {above - below:.4g}",
        text="-sum(log Logistic mass({x}; {recon}, {recon_scale}))",
    )
