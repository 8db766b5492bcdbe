"""Negative log likelihoods of discrete data: of classes, and of integers that are intervals of a logistic density."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np

from .formula import Array, Atom, Formula, Values
from .scale_kinds import softplus

_EPSILONS = (0.0, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 1e-12)


def categorical(name: str) -> Iterator[Formula]:
    """-log of a class's probability, on logits or log-probabilities, of one-hot data or indices.

    One-hot data times log-probabilities is what a Bernoulli on logits is without its softplus, so that there the name
    of the argument must say what it is.

    Args:
        name: of the argument.
    """
    yield from (_categorical(axis, logits) for axis in (1, -1) for logits in (True, False))
    says = bool(re.search(r"log_?(p|soft)", name.lower()))
    for axis, logits in ((-1, True), (1, True), (-1, False)):
        if logits or says:
            yield _one_hot(axis, logits)


def _normaliser(recon: Array, axis: int) -> Array:
    largest = recon.max(axis=axis, keepdims=True)
    return np.asarray(largest + np.log(np.exp(recon - largest).sum(axis=axis, keepdims=True)))


def _categorical(axis: int, logits: bool) -> Formula:
    """Of class indices, which have one entry on the axis of the classes."""

    def value(v: Values) -> Array:
        recon, x = v["recon"], v["x"]
        if recon.ndim < 2 or x.ndim != recon.ndim or x.shape[axis] != 1 or x.dtype.kind != "i":
            return np.full_like(recon, np.nan)
        chosen = np.arange(recon.shape[axis]).reshape([-1 if axis % recon.ndim == a else 1 for a in range(recon.ndim)])
        return np.asarray((chosen == x) * ((_normaliser(recon, axis) if logits else 0.0) - recon))

    return _formula(value, logits, "class indices")


def _one_hot(axis: int, logits: bool) -> Formula:
    def value(v: Values) -> Array:
        recon, x = v["recon"], v["x"]
        if recon.ndim < 2 or x.shape != recon.shape:
            return np.full_like(recon, np.nan)
        return np.asarray(x * ((_normaliser(recon, axis) if logits else 0.0) - recon))

    return _formula(value, logits, "one-hot data")


def _formula(value: Callable[[Values], Array], logits: bool, data: str) -> Formula:
    argument = "logits" if logits else "log-probabilities"
    text = "sum(log(sum(exp({recon}))) - {recon}[{x}])" if logits else "-sum({recon}[{x}])"
    atom = Atom("-log p({x})", value, {})  # one atom, so that no edit is looked for
    return Formula("categorical", ("recon", "x"), ((1.0, atom),), detail=f"{argument}, {data}", text=text)


def discretised_logistic() -> Iterator[Formula]:
    """-log of the mass that a logistic density has in the interval of a value: from its left end, or around it."""
    scales: dict[str, Callable[[Array], Array]] = {"log_sd": np.exp, "sd": lambda s: s, "softplus": softplus}
    for kind, scale in scales.items():
        for epsilon in _EPSILONS:
            yield _logistic(kind, scale, epsilon, 256.0, 0.0, 1 / 256)
            for half in (1 / 255, 1 / 256, 1 / 510, 1 / 512):
                yield _logistic(kind, scale, epsilon, 0.0, -half, half)


def _logistic(
    kind: str, scale: Callable[[Array], Array], epsilon: float, bins: float, below: float, above: float
) -> Formula:
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
