"""What does an argument for a scale hold? Each scale kind, such as `log_var`, with the variance that it stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Variance = Callable[[Array], Array]


def softplus(value: Array) -> Array:
    """log(1 + exp(value)), without overflow."""
    return np.logaddexp(0.0, value)


VARIANCE: dict[str, Variance] = {
    "log_var": np.exp,
    "log_sd": lambda s: np.exp(2.0 * s),
    "var": lambda s: s,
    "sd": np.square,
    "softplus": lambda s: softplus(s) ** 2,
    "precision": lambda s: 1.0 / s,
}
"""Scale kind → variance as a function of the argument."""

TEXT = {
    "log_var": "exp({s})",
    "log_sd": "exp(2*{s})",
    "var": "{s}",
    "sd": "{s}**2",
    "softplus": "softplus({s})**2",
    "precision": "1/{s}",
}
"""Scale kind → variance as an expression in {s}, the argument."""

DEVIATION = {
    "log_var": "exp({s}/2)",
    "log_sd": "exp({s})",
    "var": "sqrt({s})",
    "sd": "{s}",
    "softplus": "softplus({s})",
    "precision": "1/sqrt({s})",
}
"""Scale kind → standard deviation as an expression in {s}."""

NEUTRAL = {
    "log_var": 0.0,
    "log_sd": 0.0,
    "var": 1.0,
    "sd": 1.0,
    "softplus": float(np.log(np.expm1(1.0))),
    "precision": 1.0,
    "laplace-scale": 1.0,
    "cholesky": 1.0,
    "covariance": 1.0,
}
"""Scale kind → the argument at which the scale is 1; on the diagonal of a matrix."""

TRANSFORMED = ("log_var", "log_sd", "softplus")
"""Scale kinds whose argument may be any real number."""


def as_kind(variance: Array, kind: str) -> Array:
    """The argument of a scale kind for a variance; a Laplace scale is the variance's root."""
    sd = np.sqrt(variance)
    arguments: dict[str, Callable[[], Array]] = {
        "log_var": lambda: np.log(variance),
        "log_sd": lambda: np.log(sd),
        "var": lambda: variance,
        "sd": lambda: sd,
        "softplus": lambda: np.log(np.expm1(sd)),
        "precision": lambda: 1.0 / variance,
        "laplace-scale": lambda: sd,
    }
    return arguments[kind]()
