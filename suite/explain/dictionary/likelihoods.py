"""Which negative log likelihoods are known? Each is a formula of one observed value, in nats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np

from .classes import discretised_logistic
from .counts import negative_binomial, negative_binomial_logits, poisson, poisson_log, zero_inflated
from .divergences import EPSILONS
from .edits import Edited
from .formula import Array, Atom, Formula, Values
from .scale_kinds import TEXT, VARIANCE, softplus


@cache
def likelihoods(*roles: str) -> tuple[Formula, ...]:
    """The formulas that need no other roles than these: those with most roles first, then those without ε."""
    known = [f for f in _all() if set(f.roles) <= set(roles)]
    return tuple(sorted(known, key=lambda f: (-len(f.roles), "epsilon" in (f.detail or ""))))


def _all() -> Iterator[Formula]:
    yield bernoulli()
    yield logits()
    yield squared()
    yield absolute()
    yield from (of_centred_data(bernoulli()), of_centred_data(logits()))
    yield from (continuous_bernoulli(False), continuous_bernoulli(True))
    for normalised in (True, False):
        yield from (poisson(normalised), poisson_log(normalised))
    yield negative_binomial()
    yield from (negative_binomial_logits(), zero_inflated())
    yield log_cosh()
    yield from map(gaussian, VARIANCE)
    yield from map(laplace, ("sd", "log_sd", "softplus"))
    yield from discretised_logistic()
    for epsilon in EPSILONS:
        yield bernoulli(epsilon)
        yield negative_binomial(epsilon)
        yield zero_inflated(epsilon)
        yield poisson(True, epsilon)
        yield poisson(False, epsilon)


def bernoulli(epsilon: float = 0.0) -> Formula:
    """−x log(p + ε) − (1 − x) log(1 − p + ε) of a probability p."""
    name = f" + {epsilon:g}" if epsilon else ""
    one = Atom(
        f"{{x}}*log({{recon}}{name})",
        lambda v: v["x"] * np.log(v["recon"] + epsilon),
        {
            "swapped-pair": lambda v: v["recon"] * np.log(v["x"]),
            "log1p-for-log": lambda v: v["x"] * np.log1p(v["recon"]),
        },
    )
    zero = Atom(
        f"(1-{{x}})*log(1-{{recon}}{name})",
        lambda v: (1 - v["x"]) * np.log(1 - v["recon"] + epsilon),
        {
            "precedence": lambda v: 1 - v["x"] * np.log(1 - v["recon"]),
            "target-for-complement": lambda v: v["x"] * np.log(1 - v["recon"]),
            "missing-complement": lambda v: (1 - v["x"]) * np.log(v["recon"]),
            "log1p-for-log": lambda v: (1 - v["x"]) * np.log1p(v["recon"]),
        },
    )
    return Formula(
        "bernoulli-probabilities",
        ("recon", "x"),
        ((-1.0, one), (-1.0, zero)),
        detail=f"epsilon {epsilon:g}" if epsilon else None,
        text=f"sum(-{{x}}*log({{recon}}{name}) - (1-{{x}})*log(1-{{recon}}{name}))",
    )


def logits() -> Formula:
    """log(1 + eˡ) − x l of a logit l."""
    return Formula(
        "bernoulli-logits",
        ("recon", "x"),
        (
            (
                1.0,
                Atom(
                    "softplus({recon})",
                    lambda v: softplus(v["recon"]),
                    {"sign-inside": lambda v: softplus(-v["recon"])},
                ),
            ),
            (
                -1.0,
                Atom(
                    "{x}*{recon}",
                    lambda v: v["x"] * v["recon"],
                    {"target-for-complement": lambda v: (1 - v["x"]) * v["recon"]},
                ),
            ),
        ),
        text="sum(softplus({recon}) - {x}*{recon})",
    )


def sigmoid_twice(formula: Formula) -> Iterator[Edited]:
    """The edit log(1 + eˢ) − x s of a Bernoulli on logits, where s is the sigmoid of the logit."""
    if formula.name != "bernoulli-logits":
        return
    atoms = (
        (1.0, Atom("softplus(sigmoid({recon}))", lambda v: softplus(_sigmoid(v["recon"])), {})),
        (-1.0, Atom("{x}*sigmoid({recon})", lambda v: v["x"] * _sigmoid(v["recon"]), {})),
    )
    yield Edited(replace(formula, atoms=atoms), "sigmoid-twice", "{recon}")


def _sigmoid(value: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-value)))


def of_centred_data(formula: Formula) -> Formula:
    """A Bernoulli of (x + 1)/2, for data in [−1, 1]."""

    def moved(atom: Atom) -> Atom:
        text = atom.text.replace("{x}", "(({x} + 1)/2)")
        return Atom(text, lambda v: atom.value({**v, "x": (v["x"] + 1) / 2}), {})

    return replace(
        formula,
        name="other",
        atoms=tuple((weight, moved(atom)) for weight, atom in formula.atoms),
        detail=f"{formula.name} of (x + 1)/2",
        text=formula.text.replace("{x}", "(({x} + 1)/2)"),
    )


def squared() -> Formula:
    """½ (x − x̂)²."""
    return Formula(
        "squared-error",
        ("recon", "x"),
        (
            (
                0.5,
                Atom(
                    "({x} - {recon})**2",
                    lambda v: (v["x"] - v["recon"]) ** 2,
                    {
                        "missing-square": lambda v: v["x"] - v["recon"],
                        "square-inside": lambda v: v["x"] ** 2 - v["recon"] ** 2,
                        "precedence": lambda v: v["x"] - v["recon"] ** 2,
                        "sum-for-difference": lambda v: (v["x"] + v["recon"]) ** 2,
                        "cube-for-square": lambda v: np.abs(v["x"] - v["recon"]) ** 3,
                    },
                ),
            ),
        ),
        dropped="D/2*log(2*pi*variance)",
        text="1/2*sum(({x} - {recon})**2)",
    )


def absolute() -> Formula:
    """|x − x̂|, a Laplace of scale 1 without its normaliser log 2."""
    atom = Atom("abs({x} - {recon})", lambda v: np.abs(v["x"] - v["recon"]), {})
    return Formula(
        "laplace", ("recon", "x"), ((1.0, atom),), detail="scale 1", dropped="D*log(2)", text="sum(abs({x} - {recon}))"
    )


def huber(delta: float) -> Formula:
    """½ d² for |d| < δ, else δ (|d| − δ/2)."""

    def value(v: Values) -> Array:
        distance = np.abs(v["x"] - v["recon"])
        return np.asarray(np.where(distance < delta, 0.5 * distance**2, delta * (distance - 0.5 * delta)))

    return Formula(
        "huber",
        ("recon", "x"),
        ((1.0, Atom("huber({x} - {recon})", value, {})),),
        detail=f"delta {delta:.6g}",
        text=f"sum(huber({{x}} - {{recon}}, {delta:.6g}))",
    )


def log_cosh(sharpness: float = 1.0) -> Formula:
    """log cosh(α (x − x̂)) / α."""

    def value(v: Values) -> Array:
        distance = sharpness * np.abs(v["x"] - v["recon"])
        return np.asarray((distance + np.log1p(np.exp(-2 * distance)) - np.log(2)) / sharpness)

    times = "" if sharpness == 1 else f"{sharpness:.6g}*"
    distance = f"{times}({{x}} - {{recon}})" if times else "{x} - {recon}"
    return Formula(
        "other",
        ("recon", "x"),
        ((1.0, Atom(f"log cosh({distance})", value, {})),),
        detail="log cosh" if sharpness == 1 else f"log cosh of {sharpness:.6g} times the distance",
        text=f"sum(log(cosh({distance})))" + (f"/{sharpness:.6g}" if times else ""),
    )


def continuous_bernoulli(on_logits: bool) -> Formula:
    """The Bernoulli cross entropy minus log C, C = l / tanh(l/2) of the logit l, and C = 2 at l = 0.

    Source: Loaiza-Ganem and Cunningham (2019).
    """

    def log_normaliser(v: Values) -> Array:
        logit = v["recon"] if on_logits else np.log(v["recon"]) - np.log1p(-v["recon"])
        safe = np.where(np.abs(logit) < 1e-3, 1.0, logit)
        far = np.log(np.abs(safe)) - np.log(np.abs(np.tanh(safe / 2)))
        return np.where(np.abs(logit) < 1e-3, np.log(2.0) + logit**2 / 12, far)

    base = logits() if on_logits else bernoulli()
    atoms = (*base.atoms, (-1.0, Atom("log C({recon})", log_normaliser, {})))
    return Formula(
        "continuous-bernoulli",
        ("recon", "x"),
        atoms,
        detail="logits" if on_logits else "probabilities",
        text=base.text[:-1] + " - log C({recon}))",
    )


def gaussian(kind: str) -> Formula:
    """½ (x − x̂)²/V + ½ log V + ½ log 2π, with V from an argument of this scale kind."""
    variance = VARIANCE[kind]
    text = TEXT[kind].replace("{s}", "{recon_scale}")
    log = {"log_var": "{recon_scale}", "log_sd": "2*{recon_scale}"}.get(kind, f"log({text})")
    quadratic = Atom(
        f"({{x}} - {{recon}})**2/({text})",
        lambda v: (v["x"] - v["recon"]) ** 2 / variance(v["recon_scale"]),
        {
            "missing-square": lambda v: np.abs(v["x"] - v["recon"]) / variance(v["recon_scale"]),
            "scale-read-as-sd": lambda v: (v["x"] - v["recon"]) ** 2 / variance(v["recon_scale"]) ** 2,
            "scale-read-as-variance": lambda v: (v["x"] - v["recon"]) ** 2 / np.sqrt(variance(v["recon_scale"])),
            "precedence": lambda v: (v["x"] - v["recon"]) ** 2 * variance(v["recon_scale"]),
        },
    )
    return Formula(
        "gaussian",
        ("recon", "recon_scale", "x"),
        ((0.5, quadratic), (0.5, Atom(log, lambda v: np.log(variance(v["recon_scale"])), {}))),
        0.5 * float(np.log(2 * np.pi)),
        kind,
        f"scale given, {kind}",
        text=f"-sum(log N({{x}}; {{recon}}, {text}))",
    )


def laplace(kind: str) -> Formula:
    """|x − x̂|/b + log b + log 2, with b from an argument of this scale kind."""
    maps: dict[str, Callable[[Array], Array]] = {"sd": lambda s: s, "log_sd": np.exp, "softplus": softplus}
    b = maps[kind]
    return Formula(
        "laplace",
        ("recon", "recon_scale", "x"),
        (
            (1.0, Atom("abs({x} - {recon})/scale", lambda v: np.abs(v["x"] - v["recon"]) / b(v["recon_scale"]), {})),
            (1.0, Atom("log(scale)", lambda v: np.log(b(v["recon_scale"])), {})),
        ),
        float(np.log(2.0)),
        kind,
        f"scale given, {kind}",
        text="-sum(log Laplace({x}; {recon}, {recon_scale}))",
    )
