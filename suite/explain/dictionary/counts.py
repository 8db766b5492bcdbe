"""Which negative log likelihoods of counts are known? Poisson, negative binomial, zero-inflated negative binomial."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .formula import Array, Atom, Formula, Values
from .scale_kinds import softplus

_log_gamma = np.vectorize(math.lgamma, otypes=[float])  # a worker has NumPy, and no SciPy


def poisson(normalised: bool, epsilon: float = 0.0) -> Formula:
    """r − x log(r + ε) + log x! of a rate r; without log x! if it is not normalised."""
    parts = [
        (1.0, Atom("{recon}", lambda v: v["recon"], {})),
        (-1.0, Atom("{x}*log({recon})", lambda v: v["x"] * np.log(v["recon"] + epsilon), {})),
    ]
    return _poisson("rate", parts, normalised, epsilon)


def poisson_log(normalised: bool) -> Formula:
    """exp(l) − x l + log x! of a log rate l; without log x! if it is not normalised."""
    parts = [
        (1.0, Atom("exp({recon})", lambda v: np.exp(v["recon"]), {})),
        (-1.0, Atom("{x}*{recon}", lambda v: v["x"] * v["recon"], {})),
    ]
    return _poisson("log rate", parts, normalised, 0.0)


def _poisson(detail: str, parts: list[tuple[float, Atom]], normalised: bool, epsilon: float) -> Formula:
    """The formula of these parts, and of log x! if it is normalised."""
    if normalised:
        parts.append((1.0, _factorial()))
    detail += f", epsilon {epsilon:g}" if epsilon else ""
    shown = " ".join(f"{'-' if factor < 0 else '+'} {atom.text}" for factor, atom in parts).lstrip("+ ")
    return Formula(
        "poisson",
        ("recon", "x"),
        tuple(parts),
        detail=detail,
        dropped=None if normalised else "sum(log(x!))",
        text=f"sum({shown})",
    )


def _factorial() -> Atom:
    return Atom("log({x}!)", lambda v: _log_gamma(v["x"] + 1), {})


def _binomial(v: Values, epsilon: float) -> Array:
    """log NB(x) of mean m and inverse dispersion θ: log(Γ(x+θ)/(Γ(θ) x!)) + θ log(θ/(θ+m)) + x log(m/(θ+m))."""
    x, mean, size = v["x"], v["recon"], v["dispersion"]
    both = np.log(size + mean + epsilon)
    return np.asarray(
        size * (np.log(size + epsilon) - both)
        + x * (np.log(mean + epsilon) - both)
        + _log_gamma(x + size)
        - _log_gamma(size)
        - _log_gamma(x + 1)
    )


def negative_binomial(epsilon: float = 0.0) -> Formula:
    """−log NB(x) of a mean and an inverse dispersion, with ε in each logarithm."""
    both = "log({dispersion} + {recon})"

    def of_mean(v: Values) -> Array:  # terms of the count or the dispersion alone may be left out of a correct loss
        both = np.log(v["dispersion"] + v["recon"] + epsilon)
        return np.asarray(_binomial(v, epsilon) + (v["x"] + v["dispersion"]) * both)

    def log_both(role: str) -> Callable[[Values], Array]:
        return lambda v: np.asarray(v[role] * np.log(v["dispersion"] + v["recon"] + epsilon))

    atoms = (
        (-1.0, Atom("{x}*log({recon})", of_mean, {})),
        (1.0, Atom(f"{{dispersion}}*{both}", log_both("dispersion"), {})),
        (1.0, Atom(f"{{x}}*{both}", log_both("x"), {})),
    )
    detail = "mean, inverse dispersion" + (f", epsilon {epsilon:g}" if epsilon else "")
    return Formula(
        "negative-binomial",
        ("dispersion", "recon", "x"),
        atoms,
        detail=detail,
        text="-sum(log NB({x}; {recon}, {dispersion}))",
    )


def negative_binomial_logits() -> Formula:
    """−log NB(x) of a total count and logits of success, where mean = count · exp(logit)."""

    def value(v: Values) -> Array:
        x, logit, count = v["x"], v["recon"], v["dispersion"]
        return np.asarray(
            -count * softplus(logit)
            - x * softplus(-logit)
            + _log_gamma(x + count)
            - _log_gamma(count)
            - _log_gamma(x + 1)
        )

    return Formula(
        "negative-binomial",
        ("dispersion", "recon", "x"),
        ((-1.0, Atom("log NB", value, {})),),
        detail="total count, logits",
        text="-sum(log NB({x}; {dispersion}, {recon}))",
    )


def zero_inflated(epsilon: float = 0.0) -> Formula:
    """−log ZINB(x) of a mean, an inverse dispersion, and the logit of an additional zero (Lopez et al., 2018)."""

    def value(v: Values) -> Array:
        x, mean, size, logit = v["x"], v["recon"], v["dispersion"], v["dropout"]
        zero = size * (np.log(size + epsilon) - np.log(size + mean + epsilon))
        at_zero = softplus(zero - logit) - softplus(-logit)
        return np.where(x < 1e-8, at_zero, -softplus(-logit) - logit + _binomial(v, epsilon))

    return Formula(
        "zero-inflated-negative-binomial",
        ("dispersion", "dropout", "recon", "x"),
        ((-1.0, Atom("log ZINB", value, {})),),
        detail="mean, inverse dispersion, logit of zero" + (f", epsilon {epsilon:g}" if epsilon else ""),
        text="-sum(log ZINB({x}; {recon}, {dispersion}, {dropout}))",
    )
