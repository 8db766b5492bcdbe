"""What an argument that holds a scale may be, and the variance that it stands for."""

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
"""Scale kind → variance, as a function of the argument."""

TEXT = {
    "log_var": "exp({s})",
    "log_sd": "exp(2*{s})",
    "var": "{s}",
    "sd": "{s}**2",
    "softplus": "softplus({s})**2",
    "precision": "1/{s}",
}
"""The same as it is written."""

DEVIATION = {
    "log_var": "exp({s}/2)",
    "log_sd": "exp({s})",
    "var": "sqrt({s})",
    "sd": "{s}",
    "softplus": "softplus({s})",
    "precision": "1/sqrt({s})",
}
"""The standard deviation as it is written."""

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
"""Where a scale is one."""

TRANSFORMED = ("log_var", "log_sd", "softplus")
"""Those whose argument may be any number."""


def as_kind(variance: Array, kind: str) -> Array:
    """The argument of a scale kind that stands for a variance; of a Laplace scale, its square is meant."""
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
