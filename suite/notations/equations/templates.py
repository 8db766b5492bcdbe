"""How each of the fifteen equations is written: lexicon → the trees of its sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ...reference.node import Node
from .calculus import (
    Applied,
    Expected,
    ExpectedGradient,
    ExpectedOverSets,
    Gradient,
    Integral,
    OfMatrix,
    OverComponents,
    OverData,
    OverDraws,
    SquaredNorm,
)
from .expressions import Expression, Fraction, Log, Power, Sum, minus, negative, plus, times
from .leaves import Number, Objective, Quantity, Size, number
from .lexicon import WORDS, Lexicon
from .tex_letters import level_of, upright

EQUAL, NEARLY = "=", r"\simeq"


@dataclass(frozen=True)
class Written:
    """The result of a template: the sides, the relations between them, and the text beside them."""

    sides: tuple[Expression, ...]
    relations: tuple[str, ...] = (EQUAL,)
    suffix: str = ""


@dataclass(frozen=True)
class Template:
    """How an equation is written in any notation.

    Attributes:
        write: lexicon → the equation.
        of_datum: whether data have their index in it.
        words: condition → the word that it needs.
    """

    write: Callable[[Lexicon], Written]
    of_datum: bool = False
    words: Mapping[str, str] = field(default_factory=dict)


def _joint(t: Lexicon) -> Written:
    return Written((t.density("joint"), times(t.density("likelihood"), t.density("prior"), sign=r"\, ")))


def _marginal(t: Lexicon) -> Written:
    return Written((t.density("marginal"), Integral(t.density("joint"), t.z)))


def _posterior(t: Lexicon) -> Written:
    return Written((t.density("posterior"), Fraction(t.density("joint"), t.density("marginal"))))


def _log_ratio(t: Lexicon, z: str | None = None) -> Expression:
    return minus(t.logged("joint", z), t.logged("approximate_posterior", z))


def _elbo_as_ratio(t: Lexicon) -> Written:
    return Written((t.bound(), Expected(t.density("approximate_posterior"), _log_ratio(t))))


def _elbo_as_terms(t: Lexicon) -> Written:
    kl = t.kl()
    return Written((t.bound(kl.tex), minus(Expected(t.density("approximate_posterior"), t.logged("likelihood")), kl)))


def _elbo_as_gap(t: Lexicon) -> Written:
    gap = t.divergence("approximate_posterior", "posterior")
    return Written((t.bound(gap.tex), minus(t.log_marginal(), gap)))


def _over_draws(t: Lexicon, body: Callable[[str], Expression]) -> OverDraws:
    index = t.draw_index()
    return OverDraws(body(t.drawn(index)), index, t.size("sample_count"))


def _estimates(exact: Expression, printed: Expression | None, drawn: Expression) -> Written:
    """The exact bound is nearly the source's symbol for its estimate, where it has one, which is the draws' mean."""
    if printed is None:
        return Written((exact, drawn), (NEARLY,))
    return Written((exact, printed, drawn), (NEARLY, EQUAL))


def _estimator_of_ratio(t: Lexicon) -> Written:
    drawn = _over_draws(t, lambda z: _log_ratio(t, z))
    return _estimates(t.bound(), t.named("elbo_monte_carlo", estimate=True), drawn)


def _estimator_of_terms(t: Lexicon) -> Written:
    kl, drawn = t.kl(), _over_draws(t, lambda z: t.logged("likelihood", z))
    return _estimates(t.bound(kl.tex), t.named("elbo", estimate=True), plus(negative(kl), drawn))


def _transformed(t: Lexicon, index: str | None) -> Expression:
    """μ + σ ⊙ ε, or μ + Rε; or a component of it."""
    mean, noise = t.vector("posterior_mean", index), t.vector("noise", index)
    sd = t.scale("posterior_scale", "sd", index)
    if any(letter.matrix for letter in t.scale_letters("posterior_scale")):
        return plus(mean, Applied(sd, noise))
    scalars = index is not None or all(letter.shared for letter in t.scale_letters("posterior_scale"))
    return plus(mean, times(sd, noise, sign=" " if scalars else r" \odot "))


def _reparameterisation(t: Lexicon) -> Written:
    index = t.component_of_mean()
    z, noise = t.vector("latent", index), t.vector("noise", index)
    return Written((z, _transformed(t, index)), suffix=rf", \quad {noise.tex} \sim {t.normal(index)}")


def _closed_form_kl(t: Lexicon) -> Written:
    if any(letter.matrix for letter in t.scale_letters("posterior_scale")):
        return Written((t.kl(), times(_half(), _of_matrices(t))))
    formula = t.kl_formula()
    left = (t.kl(),) if formula is None else (t.kl(), formula)
    mean = t.vector("posterior_mean", "j")
    variance, log_variance = (t.scale("posterior_scale", kind, "j") for kind in ("variance", "log_variance"))
    inner = Sum(((1, number(1)), (1, log_variance), (-1, Power(mean, "2")), (-1, variance)))
    right = negative(times(_half(), OverComponents(inner, "j", t.size("latent_size"))))
    return Written((*left, right), (EQUAL,) * len(left))


def _half() -> Fraction:
    return Fraction(number(1), number(2))


def _of_matrices(t: Lexicon) -> Expression:
    """tr C + μᵀμ − J − log det C."""
    variance, mean = t.scale("posterior_scale", "variance"), t.vector("posterior_mean")
    trace = OfMatrix(r"\operatorname{tr}", variance, lambda v: v, lambda c: np.trace(c, axis1=-2, axis2=-1))
    log_det = rf"{t.log.removesuffix('[')} \det"
    log_determinant = OfMatrix(log_det, variance, Node.log, lambda c: np.linalg.slogdet(c)[1])
    return minus(plus(trace, SquaredNorm(mean)), t.size("latent_size"), log_determinant)


def _bernoulli(t: Lexicon) -> Written:
    index = t.pixel_index
    x, mean, one = t.vector("data", index), t.vector("decoder_probability", index), number(1)
    inner = plus(times(x, Log(mean, t.log)), times(minus(one, x), Log(minus(one, mean), t.log)))
    return Written((t.logged("likelihood"), OverComponents(inner, index, t.size("data_size"))))


def _gaussian(t: Lexicon) -> Written:
    index, two_pi = t.pixel_index, Number(r"2\pi", "number", 2 * np.pi)
    x, mean = t.vector("data", index), t.vector("decoder_mean", index)
    square = Power(minus(x, mean), "2")
    if t.notation.supports.variances == (1.0,):
        return Written((t.logged("likelihood"), _minus_half_of(t, plus(Log(two_pi, t.log), square))))
    if t.words["likelihood"] == "gaussian":
        variance, log_variance = (t.scale("decoder_scale", kind, index) for kind in ("variance", "log_variance"))
    else:
        variance = t.size("decoder_variance")
        log_variance = Log(variance, t.log)
    inner = plus(Log(two_pi, t.log), log_variance, Fraction(square, variance))
    return Written((t.logged("likelihood"), _minus_half_of(t, inner)))


def _minus_half_of(t: Lexicon, inner: Expression) -> Expression:
    """−½ Σ of a term for each pixel."""
    return negative(times(_half(), OverComponents(inner, t.pixel_index, t.size("data_size"))))


def _minibatch_objective(t: Lexicon) -> Written:
    stated, index = t.notation.objective, t.data_letter()
    role = f"weighted_{stated.bound}" if t.words["beta"] == "other" else stated.bound
    bound, sign = _reduced_bound(t, role, index)
    batch = _batch(t)
    total: Expression = OverData(bound, index, batch)
    if stated.data == "mean":
        total = times(Fraction(number(1), batch), total)
    if stated.data == "N/M":
        total = times(Fraction(t.size("data_count"), batch), total)
    if (stated.sense == "minimised") is (sign > 0):
        total = negative(total)
    left, estimate = _objective(t)
    nearly = estimate and isinstance(bound, Quantity) and not bound.estimate
    nearly = nearly or r"\sim" in left.tex  # an expectation over the data is nearly a batch's mean
    if t.words["decoder_weights"] == "posterior":  # the bounds are those of one draw of the decoder's weights
        total, nearly = minus(total, t.kl("weight_kl")), True
    suffix = rf", \quad {stated.where}" if stated.where else ""
    return Written((left, total), (NEARLY if nearly else EQUAL,), suffix)


def _reduced_bound(t: Lexicon, role: str, index: str) -> tuple[Expression, int]:
    """The quantity that the objective sums over the data, and the sign with which it is a bound."""
    stated = t.notation.objective
    terms = t.symbol("log_likelihood"), t.symbol("kl_monte_carlo" if "monte_carlo" in role else "kl")
    if t.symbol(role) is None and role.startswith("weighted") and all(terms):
        likelihood, kl = (replace(t.of_datum(s, index), estimate=True) for s in terms if s is not None)
        return minus(likelihood, times(t.size("kl_weight"), kl, sign=r"\, ")), 1
    leaf, symbol = t.bound_of_datum(role, index)
    if symbol is None:
        return leaf, 1
    if symbol.dropped == stated.dropped:  # what the source leaves out of the one it leaves out of the other
        return leaf, symbol.sign
    return t.undropped(symbol, leaf), 1


def _batch(t: Lexicon) -> Size:
    """How many data the objective is of: the batch's number, or that of all where the source knows no batches."""
    if letter := t.notation.objective.count:
        return Size(letter, "batch_size")
    of_all = t.symbol("data_count")
    if t.symbol("batch_size") is None and of_all is not None and t.notation.objective.data != "N/M":
        t.printed.add("data_count")
        return Size(upright(of_all.tex), "batch_size")
    return t.size("batch_size")


def _objective(t: Lexicon) -> tuple[Expression, bool]:
    """The published objective, and whether the source prints it for an estimate."""
    stated = t.notation.objective
    named = next((s for s in t.notation.symbols if s.code == stated.code and s.role == "objective"), None)
    named = named or next((s for s in t.notation.symbols if s.code == stated.code and "mathtt" in s.tex), None)
    if named is None or level_of(named.tex) == 1:  # the sum itself is no name for it
        t.built.add("objective")
        return Objective(WORDS["objective"][stated.sense], "objective"), False
    t.printed.add(named.role)
    estimate = named.estimate or "mathtt" in named.tex
    return Objective(upright(named.tex), "objective", estimate), estimate


def _importance_weighted_bound(t: Lexicon) -> Written:
    ratio = _over_draws(t, lambda z: Fraction(t.density("joint", z), t.density("approximate_posterior", z)))
    drawn = Log(ratio, t.log)
    exact = t.named("iwae", estimate=False)
    if exact is None:
        return Written((t.log_marginal(), drawn), (NEARLY,))
    draws = rf"{t.drawn('1')}, \dots, {t.drawn(ratio.count.tex)}"
    return Written((exact, ExpectedOverSets(t.density("approximate_posterior"), drawn, draws)))


def _gradient(t: Lexicon) -> Written:
    letters, names = t.weights()
    index, z, noise = t.component_of_mean(), t.vector("latent"), t.vector("noise")
    drawn = rf"{noise.tex} \sim {t.normal()}"
    at = (t.vector("latent", index).tex, _transformed(t, index))
    right = ExpectedGradient(drawn, *at, Gradient(letters, names, _log_ratio(t, z.tex)))
    return Written((Gradient(letters, names, t.bound()), right))


TEMPLATES: Mapping[str, Template] = {
    "joint": Template(_joint),
    "marginal": Template(_marginal),
    "posterior": Template(_posterior),
    "elbo_as_ratio": Template(_elbo_as_ratio, of_datum=True),
    "elbo_as_terms": Template(_elbo_as_terms, of_datum=True),
    "elbo_as_gap": Template(_elbo_as_gap, of_datum=True),
    "estimator_of_ratio": Template(_estimator_of_ratio, of_datum=True),
    "estimator_of_terms": Template(_estimator_of_terms, of_datum=True),
    "reparameterisation": Template(_reparameterisation),
    "closed_form_kl": Template(_closed_form_kl, words={"prior": "standard"}),
    "bernoulli_likelihood": Template(_bernoulli, words={"likelihood": "bernoulli"}),
    "gaussian_likelihood": Template(_gaussian, words={"likelihood": "gaussian"}),
    "minibatch_objective": Template(_minibatch_objective, of_datum=True),
    "importance_weighted_bound": Template(_importance_weighted_bound, of_datum=True),
    "gradient": Template(_gradient),
}
