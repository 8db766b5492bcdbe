"""Fifteen equations that every VAE source writes, rendered in any notation from its glossary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .lexicon import Lexicon, indexed
from .notation import Notation


@dataclass(frozen=True)
class Equation:
    """One equation in one notation.

    Attributes:
        name: the same in all notations.
        latex: rendered.
        printed: the roles whose TeX is the source's.
        built: those that it has no symbol for: they stand in neutral letters, or in a form of its letters.
    """

    name: str
    latex: str
    printed: tuple[str, ...]
    built: tuple[str, ...]


def equations(notation: Notation) -> list[Equation]:
    """All equations in a notation."""
    rendered = []
    for name, template in TEMPLATES.items():
        lexicon = Lexicon(notation)
        latex = template(lexicon)
        rendered.append(Equation(name, latex, tuple(sorted(lexicon.printed)), tuple(sorted(lexicon.built))))
    return rendered


def _joint(t: Lexicon) -> str:
    return f"{t.distribution('joint')} = {t.distribution('likelihood')}\\, {t.distribution('prior')}"


def _marginal(t: Lexicon) -> str:
    return f"{t.distribution('marginal')} = \\int {t.distribution('joint')}\\, d{t.letter('latent')}"


def _posterior(t: Lexicon) -> str:
    return f"{t.distribution('posterior')} = \\frac{{{t.distribution('joint')}}}{{{t.distribution('marginal')}}}"


def _expected(t: Lexicon, inner: str) -> str:
    return f"\\mathbb{{E}}_{{{t.distribution('approximate_posterior')}}}\\left[{inner}\\right]"


def _exact(t: Lexicon) -> str:
    return _signed(*t.exact_bound())


def _signed(name: str, sign: int) -> str:
    return name if sign == 1 else f"-{name}"


def _log_ratio(t: Lexicon) -> str:
    return f"\\log {t.distribution('joint')} - \\log {t.distribution('approximate_posterior')}"


def _elbo_as_ratio(t: Lexicon) -> str:
    return f"{_exact(t)} = {_expected(t, _log_ratio(t))}"


def _elbo_as_terms(t: Lexicon) -> str:
    likelihood = t.distribution("likelihood")
    expected = _expected(t, rf"\log {likelihood}")
    return f"{_exact(t)} = {expected} - {t.kl()}"


def _elbo_as_gap(t: Lexicon) -> str:
    q, posterior = t.distribution("approximate_posterior"), t.distribution("posterior")
    return rf"{_exact(t)} = {t.log_marginal()} - D_{{KL}}({q}\,\|\,{posterior})"


def _draws(t: Lexicon, inner: str) -> str:
    """The mean over draws of z."""
    count, z = t.letter("sample_count"), t.letter("latent")
    return rf"\frac{{1}}{{{count}}} \sum_{{l=1}}^{{{count}}} \left[{inner}\right]_{{{z} = {indexed(z, 'l')}}}"


def _estimates(t: Lexicon, role: str, drawn: str) -> str:
    """The exact bound, nearly the source's symbol for its estimate where it has one, which is the draws' mean."""
    printed = t.estimate(role)
    return rf"{_exact(t)} \simeq {drawn if printed is None else f'{_signed(*printed)} = {drawn}'}"


def _estimator_ratio(t: Lexicon) -> str:
    return _estimates(t, "elbo_monte_carlo", _draws(t, _log_ratio(t)))


def _estimator_terms(t: Lexicon) -> str:
    likelihood = t.distribution("likelihood")
    drawn = _draws(t, rf"\log {likelihood}")
    return _estimates(t, "elbo", f"-{t.kl()} + {drawn}")


def _reparameterisation(t: Lexicon) -> str:
    mean, noise, sd = t.letter("posterior_mean"), t.letter("noise"), t.scale("posterior_scale", "sd")
    return rf"{t.letter('latent')} = {mean} + {sd} \odot {noise}, \quad {noise} \sim \mathcal{{N}}(0, I)"


def _closed_form_kl(t: Lexicon) -> str:
    mean, size = t.letter("posterior_mean"), t.letter("latent_size")
    variance, log_variance = (t.scale("posterior_scale", wanted) for wanted in ("variance", "log_variance"))
    inner = rf"1 + {log_variance} - {mean}^2 - {variance}"
    return rf"{t.kl()} = -\frac{{1}}{{2}} \sum_{{j=1}}^{{{size}}} \left({inner}\right)_j"


def _bernoulli(t: Lexicon) -> str:
    x, mean, size = t.letter("data"), t.letter("decoder_probability"), t.letter("data_size")
    x, mean = indexed(x, "i"), indexed(mean, "i")
    inner = rf"{x} \log {mean} + (1 - {x}) \log (1 - {mean})"
    return rf"\log {t.distribution('likelihood')} = \sum_{{i=1}}^{{{size}}} {inner}"


def _gaussian(t: Lexicon) -> str:
    x, mean, size = t.letter("data"), t.letter("decoder_mean"), t.letter("data_size")
    variance, log_variance = (t.scale("decoder_scale", wanted) for wanted in ("variance", "log_variance"))
    inner = rf"\log 2\pi + {log_variance} + \frac{{({x} - {mean})^2}}{{{variance}}}"
    return rf"\log {t.distribution('likelihood')} = -\frac{{1}}{{2}} \sum_{{i=1}}^{{{size}}} \left({inner}\right)_i"


def _minibatch(t: Lexicon) -> str:
    objective = t.notation.objective
    named = next((s for s in t.notation.symbols if s.code == objective.code), None)
    if named is not None:
        t.printed.add(named.role)
    left = named.tex if named is not None else t.letter("objective")
    weighed = f"weighted_{objective.bound}"
    bound, sign = t.bound(*((weighed, objective.bound) if objective.beta == "beta" else (objective.bound, weighed)))
    sign *= -1 if objective.sense == "minimised" else 1
    batch = t.letter("batch_size")
    factor = {"sum": "", "mean": rf"\frac{{1}}{{{batch}}} ", "N/M": ""}[objective.data]
    if objective.data == "N/M":
        factor = rf"\frac{{{t.letter('data_count')}}}{{{batch}}} "
    minus = "-" if sign < 0 else ""
    x = t.letter("data")
    return rf"{left} = {minus}{factor}\sum_{{i=1}}^{{{batch}}} \left.{bound}\right|_{{{x} = {indexed(x, 'i')}}}"


def _importance_weighted(t: Lexicon) -> str:
    ratio = rf"\frac{{{t.distribution('joint')}}}{{{t.distribution('approximate_posterior')}}}"
    drawn = rf"\log {_draws(t, ratio)}"
    exact = t.exact("iwae")  # the expectation of the right side, a bound of its own
    return rf"{t.log_marginal() if exact is None else _signed(*exact)} \simeq {drawn}"


def _gradient(t: Lexicon) -> str:
    letters = list(dict.fromkeys(letter for letter in (t.theta, t.phi) if letter))
    nabla = rf"\nabla_{{{','.join(letters)}}}" if letters else r"\nabla"
    noise, mean, sd = t.letter("noise"), t.letter("posterior_mean"), t.scale("posterior_scale", "sd")
    drawn = rf"\left.\left({_log_ratio(t)}\right)\right|_{{{t.letter('latent')} = {mean} + {sd} \odot {noise}}}"
    name, sign = t.exact_bound()
    signed = name if sign == 1 else f"(-{name})"
    return rf"{nabla} {signed} = \mathbb{{E}}_{{{noise} \sim \mathcal{{N}}(0, I)}}\left[{nabla} {drawn}\right]"


TEMPLATES: Mapping[str, Callable[[Lexicon], str]] = {
    "joint": _joint,
    "marginal": _marginal,
    "posterior": _posterior,
    "elbo_as_ratio": _elbo_as_ratio,
    "elbo_as_terms": _elbo_as_terms,
    "elbo_as_gap": _elbo_as_gap,
    "estimator_of_ratio": _estimator_ratio,
    "estimator_of_terms": _estimator_terms,
    "reparameterisation": _reparameterisation,
    "closed_form_kl": _closed_form_kl,
    "bernoulli_likelihood": _bernoulli,
    "gaussian_likelihood": _gaussian,
    "minibatch_objective": _minibatch,
    "importance_weighted_bound": _importance_weighted,
    "gradient": _gradient,
}
