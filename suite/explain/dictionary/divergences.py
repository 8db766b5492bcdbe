"""Which divergences are known? The KL of one latent, and log q(z) − log p(z), for every scale kind, with and without ε.

Source of the analytic KL: Kingma and Welling (2013), appendix B.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np

from .atoms import of_log, of_square, of_variance
from .edits import Edited, exchanged
from .formula import Array, Atom, Formula, Values
from .scale_kinds import TEXT, VARIANCE

EPSILONS = (*(10.0**-power for power in range(3, 17)), float(np.finfo(np.float32).eps), 1e-38, 1e-45)
"""Usual values of a constant added inside a logarithm."""


@cache
def divergences(*roles: str) -> tuple[Formula, ...]:
    """The formulas that need no other roles than these: those with most roles first, then those without ε."""
    known = [f for f in _all() if set(f.roles) <= set(roles)]
    return tuple(sorted(known, key=lambda f: (-len(f.roles), f.detail is not None)))


def _all() -> Iterator[Formula]:
    yield from map(analytic, VARIANCE)
    yield from map(sampled, VARIANCE)
    yield from map(learned_prior, VARIANCE)
    yield from map(sampled_prior, VARIANCE)
    for kind in VARIANCE:
        yield from (flowed(kind), flowed(kind, volume=False))
    yield from map(mixture_prior, VARIANCE)
    yield laplace()
    for kind in ("var", "sd", "softplus", "log_var"):
        for epsilon in EPSILONS:
            yield analytic(kind, epsilon)
            yield sampled(kind, epsilon)
            if kind in ("sd", "softplus"):
                yield _inner_epsilon(kind, epsilon)


def analytic(kind: str, epsilon: float = 0.0) -> Formula:
    """KL(N(μ, V) ‖ N(0, 1)) = ½ (μ² + V − 1 − log(V + ε))."""
    variance = VARIANCE[kind]
    text = TEXT[kind].replace("{s}", "{scale}")
    log = f"log({text})" if not epsilon else f"log({text} + {epsilon:g})"
    log = {"log_var": "{scale}", "log_sd": "2*{scale}"}.get(kind, log) if not epsilon else log
    return Formula(
        "analytic",
        ("mu", "scale"),
        ((0.5, of_square()), (0.5, of_variance(variance, text, kind)), (-0.5, of_log(variance, log, epsilon, kind))),
        -0.5,
        kind,
        f"epsilon {epsilon:g}" if epsilon else None,
        text=f"1/2*sum({{mu}}**2 + {text} - 1 - {log})",
    )


def reversed_divergence(formula: Formula) -> Iterator[Edited]:
    """The edit KL(N(0, 1) ‖ N(μ, V)) = ½ ((1 + μ²)/V − 1 + log V) of the analytic KL; likewise of a learned prior."""
    said = "that of the posterior from the prior"
    if formula.name == "analytic" and "prior_mu" in formula.roles:
        of_prior = exchanged(exchanged(formula, "mu", "prior_mu").formula, "scale", "prior_scale").formula
        yield Edited(of_prior, "reversed-divergence", said)
    if formula.name != "analytic" or formula.roles != ("mu", "scale") or formula.kind not in VARIANCE or formula.detail:
        return
    variance, text = VARIANCE[formula.kind], TEXT[formula.kind].replace("{s}", "{scale}")
    ratio = Atom(f"(1 + {{mu}}**2)/({text})", lambda v: (1 + v["mu"] ** 2) / variance(v["scale"]), {})
    atoms = ((0.5, ratio), (0.5, of_log(variance, f"log({text})", 0.0, formula.kind)))
    yield Edited(replace(formula, atoms=atoms), "reversed-divergence", said)


def added_density(formula: Formula) -> Iterator[Edited]:
    """−log q(z) − log p(z): the posterior's density is added to the bound where it is subtracted."""
    if formula.name == "sampled" and len(formula.atoms) == 3 and not formula.detail:
        atoms = tuple((-factor, atom) for factor, atom in formula.atoms[:2]) + formula.atoms[2:]
        yield Edited(replace(formula, atoms=atoms), "sign", "log q({z})")


def _inner_epsilon(kind: str, epsilon: float) -> Formula:
    """The analytic KL with sd + ε in place of the standard deviation."""
    variance = VARIANCE[kind]

    def shifted(s: Array) -> Array:
        return (np.sqrt(variance(s)) + epsilon) ** 2

    text = f"(sd({{scale}}) + {epsilon:g})**2"
    return Formula(
        "analytic",
        ("mu", "scale"),
        (
            (0.5, of_square()),
            (0.5, of_variance(shifted, text, kind)),
            (-0.5, of_log(shifted, f"log({text})", 0.0, kind)),
        ),
        -0.5,
        kind,
        f"sd + {epsilon:g}",
        text=f"1/2*sum({{mu}}**2 + {text} - 1 - log({text}))",
    )


def sampled(kind: str, epsilon: float = 0.0) -> Formula:
    """log q(z) − log p(z) = −½ log V − (z − μ)²/(2 (V + ε)) + ½ z², for a standard normal prior."""
    variance = VARIANCE[kind]
    text = TEXT[kind].replace("{s}", "{scale}")
    quadratic = Atom(
        "({z} - {mu})**2/variance",
        lambda v: (v["z"] - v["mu"]) ** 2 / (variance(v["scale"]) + epsilon),
        {
            "missing-square": lambda v: np.abs(v["z"] - v["mu"]) / variance(v["scale"]),
            "scale-read-as-sd": lambda v: (v["z"] - v["mu"]) ** 2 / variance(v["scale"]) ** 2,
            "scale-read-as-variance": lambda v: (v["z"] - v["mu"]) ** 2 / np.sqrt(variance(v["scale"])),
            "precedence": lambda v: (v["z"] - v["mu"]) ** 2 * variance(v["scale"]),
        },
    )
    prior = Atom("{z}**2", lambda v: v["z"] ** 2, {"missing-square": lambda v: np.abs(v["z"])})
    return Formula(
        "sampled",
        ("mu", "scale", "z"),
        ((-0.5, of_log(variance, f"log({text})", 0.0, kind)), (-0.5, quadratic), (0.5, prior)),
        0.0,
        kind,
        f"epsilon {epsilon:g}" if epsilon else None,
        text=f"sum(log N({{z}}; {{mu}}, {text}) - log N({{z}}; 0, 1))",
    )


def learned_prior(kind: str) -> Formula:
    """KL(N(μ, V) ‖ N(μₚ, Vₚ)) = ½ (log Vₚ − log V + (V + (μ − μₚ)²)/Vₚ − 1)."""
    variance = VARIANCE[kind]
    text = TEXT[kind].replace("{s}", "{scale}")
    return Formula(
        "analytic",
        ("mu", "prior_mu", "prior_scale", "scale"),
        (
            (0.5, Atom("log prior variance", lambda v: np.log(variance(v["prior_scale"])), {})),
            (-0.5, of_log(variance, f"log({text})", 0.0, kind)),
            (
                0.5,
                Atom(
                    "variance/prior variance",
                    lambda v: variance(v["scale"]) / variance(v["prior_scale"]),
                    {
                        "swapped-pair": lambda v: variance(v["prior_scale"]) / variance(v["scale"]),
                        "missing-square": lambda v: np.sqrt(variance(v["scale"]) / variance(v["prior_scale"])),
                    },
                ),
            ),
            (
                0.5,
                Atom(
                    "({mu} - {prior_mu})**2/prior variance",
                    lambda v: (v["mu"] - v["prior_mu"]) ** 2 / variance(v["prior_scale"]),
                    {
                        "swapped-pair": lambda v: (v["mu"] - v["prior_mu"]) ** 2 / variance(v["scale"]),
                        "missing-square": lambda v: np.abs(v["mu"] - v["prior_mu"]) / variance(v["prior_scale"]),
                    },
                ),
            ),
        ),
        -0.5,
        kind,
        "learned prior",
        text="KL(N({mu}, {scale}) || N({prior_mu}, {prior_scale}))",
    )


def sampled_prior(kind: str) -> Formula:
    """log q(z) − log p(z) = log N(z; μ, V) − log N(z; μₚ, Vₚ)."""
    variance = VARIANCE[kind]

    def log_density(v: Values, mean: str, scale: str) -> Array:
        return -0.5 * np.log(variance(v[scale])) - 0.5 * (v["z"] - v[mean]) ** 2 / variance(v[scale])

    return Formula(
        "sampled",
        ("mu", "prior_mu", "prior_scale", "scale", "z"),
        (
            (1.0, Atom("log q({z})", lambda v: log_density(v, "mu", "scale"), {})),
            (-1.0, Atom("log p({z})", lambda v: log_density(v, "prior_mu", "prior_scale"), {})),
        ),
        0.0,
        kind,
        "learned prior",
        text="sum(log q({z}) - log p({z}))",
    )


def flowed(kind: str, *, volume: bool = True) -> Formula:
    """log N(z; μ, V) − log |det| − log N(z′; 0, 1), of a flow from z to z′; each latent has a share of log |det|."""
    before = sampled(kind)
    prior = Atom("{z_last}**2", lambda v: v["z_last"] ** 2, {"missing-square": lambda v: np.abs(v["z_last"])})
    ratio = replace(
        before,
        roles=("mu", "scale", "z", "z_last"),
        atoms=(*before.atoms[:2], (0.5, prior)),
        detail="after a flow",
        text="sum(log q({z}) - log N({z_last}; 0, 1))",
    )
    if not volume:
        return ratio
    share = Atom("{log_det}", lambda v: v["log_det"] * v["log_det"].size / v["z"].size, {})
    text = f"{ratio.text} - sum({{log_det}})"
    return replace(ratio, roles=("log_det", *ratio.roles), atoms=(*ratio.atoms, (-1.0, share)), text=text)


def mixture_prior(kind: str) -> Formula:
    """log N(z; μ, V) − log mean of N(z; μ_c, V_c), over as many components as examples; each latent has a share."""
    variance, whole = VARIANCE[kind], sampled_prior(kind)

    def log_mean(v: Values) -> Array:
        z, mean, spread = v["z"][:, None], v["prior_mu"][None], variance(v["prior_scale"])[None]
        each = (-0.5 * np.log(spread) - 0.5 * (z - mean) ** 2 / spread).reshape(*z.shape[:1], mean.shape[1], -1).sum(-1)
        top = each.max(axis=1, keepdims=True)
        found = top[:, 0] + np.log(np.exp(each - top).mean(axis=1))
        return np.asarray(
            found.reshape(-1, *(1,) * (v["z"].ndim - 1)) * np.ones_like(v["z"]) * len(found) / v["z"].size
        )

    atoms = (whole.atoms[0], (-1.0, Atom("log mean p({z})", log_mean, {})))
    text = "sum(log q({z}) - log mean over components of p({z}))"
    return replace(whole, atoms=atoms, detail="mixture as prior", text=text)


def laplace() -> Formula:
    """KL(Laplace(μ, b) ‖ Laplace(0, 1)) = |μ| + b exp(−|μ|/b) − 1 − log b."""
    return Formula(
        "analytic",
        ("mu", "scale"),
        (
            (1.0, Atom("abs({mu})", lambda v: np.abs(v["mu"]), {})),
            (
                1.0,
                Atom(
                    "{scale}*exp(-abs({mu})/{scale})", lambda v: v["scale"] * np.exp(-np.abs(v["mu"]) / v["scale"]), {}
                ),
            ),
            (-1.0, Atom("log({scale})", lambda v: np.log(v["scale"]), {})),
        ),
        -1.0,
        "laplace-scale",
        "Laplace posterior and prior",
        text="sum(abs({mu}) + {scale}*exp(-abs({mu})/{scale}) - 1 - log({scale}))",
    )


def of_all_latents(kind: str) -> Formula:
    """KL(N(μ, Σ) ‖ N(0, I)) = ½ (μᵀμ + tr Σ − J − log |Σ|) of a covariance Σ or a Cholesky factor L, Σ = LLᵀ.

    The value is an array [..., J, J] whose sum is the KL; μ is broadcast along its first axis.
    """
    factor = kind == "cholesky"

    def of_matrix(value: Callable[[Array, Array], Array]) -> Callable[[Values], Array]:
        return lambda v: np.asarray(value(v["scale"], v["mu"]))

    def log_determinant(scale: Array, mu: Array) -> Array:
        once = np.linalg.slogdet(scale)[1][..., None, None]
        return np.asarray((2 if factor else 1) * once / scale.shape[-1] ** 2 * np.ones_like(scale))

    def trace(scale: Array, mu: Array) -> Array:
        return np.asarray(scale**2 if factor else scale * np.eye(scale.shape[-1]))

    square = Atom("{mu}**2", of_matrix(lambda scale, mu: (mu**2 - 1) * np.eye(scale.shape[-1])), {})
    parts = ("sum({scale}**2)", "2*log|{scale}|") if factor else ("trace({scale})", "log|{scale}|")
    spread, volume = Atom(parts[0], of_matrix(trace), {}), Atom(parts[1], of_matrix(log_determinant), {})
    atoms = ((0.5, square), (0.5, spread), (-0.5, volume))
    covariance = "{scale} {scale}'" if factor else "{scale}"
    text = f"KL(N({{mu}}, {covariance}) || N(0, 1))"
    return Formula("analytic", ("mu", "scale"), atoms, 0.0, kind, text=text)
