"""Which parts do the divergences of normal distributions share?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .formula import Array, Atom, Values
from .scale_kinds import TRANSFORMED, Variance


def of_square() -> Atom:
    """μ², with its edits."""
    return Atom(
        "{mu}**2",
        lambda v: v["mu"] ** 2,
        {
            "missing-square": lambda v: v["mu"],
            "absolute-for-square": lambda v: np.abs(v["mu"]),
        },
    )


def of_variance(variance: Variance, text: str, kind: str) -> Atom:
    """V, with its edits."""
    wrong: dict[str, Callable[[Values], Array]] = {
        "scale-read-as-sd": lambda v: variance(v["scale"]) ** 2,
        "scale-read-as-variance": lambda v: np.sqrt(variance(v["scale"])),
    }
    if kind in TRANSFORMED:
        wrong["missing-transform"] = lambda v: v["scale"]
    return Atom(text, lambda v: variance(v["scale"]), wrong)


def of_log(variance: Variance, text: str, epsilon: float, kind: str) -> Atom:
    """log(V + ε), with its edits."""
    wrong: dict[str, Callable[[Values], Array]] = {
        "log1p-for-log": lambda v: np.log1p(variance(v["scale"])),
        "missing-log": lambda v: variance(v["scale"]),
        "log10-for-log": lambda v: np.log10(variance(v["scale"])),
    }
    if kind in TRANSFORMED:
        wrong["log-of-the-argument"] = lambda v: np.log(v["scale"])
    return Atom(text, lambda v: np.log(variance(v["scale"]) + epsilon), wrong)
