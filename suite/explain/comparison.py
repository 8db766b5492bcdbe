"""Are two losses the same objective? If not, which term differs, and by which factor?"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from .answer import Answer
from .expressions import monomial

_SAME = {"squared-error": "gaussian", "bernoulli-logits": "bernoulli", "bernoulli-probabilities": "bernoulli"}
"""Likelihood → the family that it is compared as: both have the same R."""


class Part(msgspec.Struct, frozen=True):
    """A property in which two losses differ.

    Attributes:
        name: the property.
        one, other: its words or expressions in the two losses.
        factor: the second over the first, if the property is a number.
    """

    name: str
    one: str
    other: str
    factor: str | None = None


class Comparison(msgspec.Struct, frozen=True):
    """Whether two losses are the same objective.

    Attributes:
        same: None if one of them is not determined.
        sentence: the result in one sentence.
        factor: the second loss over the first, an expression.
        parts: the properties in which the objectives differ.
        notes: differences that leave the objective as it is.
    """

    same: bool | None
    sentence: str
    factor: str | None
    parts: list[Part]
    notes: list[str]


def compared(one: Answer, other: Answer) -> Comparison:
    """Compare likelihood, KL, weight, thresholds and gradient; a positive factor on the whole loss is no difference."""
    for answer in (one, other):
        terms = answer.likelihood, answer.kl
        if (answer.coefficients is None and answer.regions is None) or (answer.affine is None and "other" in terms):
            return Comparison(None, f"Not determined: {answer.entry}. {answer.sentence}", None, [], [])
    parts = [
        Part(name, _said(a), _said(b))
        for name, a, b in (
            ("likelihood", _SAME.get(str(one.likelihood), one.likelihood), _family(other)),
            ("KL", one.kl, other.kl),
            ("thresholds", _thresholds(one), _thresholds(other)),
            ("gradient", _gradient(one), _gradient(other)),
        )
        if a != b
    ]
    first, second = (answer.coefficients or (answer.regions or [])[0].coefficients for answer in (one, other))
    known = {**_defaults(other), **_defaults(one)}
    factor = quotient(first.recon, second.recon, known)
    weights = quotient(first.kl, second.kl, known)
    ratio = None if factor is None or weights is None else quotient(factor, weights, known)
    if factor is None and _absent(first.recon) and _absent(second.recon):
        factor, ratio = weights, "1"
    if weights is None and _absent(first.kl) and _absent(second.kl):
        ratio = "1"
    if ratio is None and not parts:
        return Comparison(None, "Not determined: a coefficient has no expression.", None, [], [])
    if ratio not in (None, "1"):
        same, spreads = _beta(one) == _beta(other), (_spread(one), _spread(other))
        parts.append(
            Part("decoder's variance", *spreads) if same else Part("KL weight", _beta(one), _beta(other), ratio)
        )
    notes = [
        f"{name}: {_said(a)} in {one.entry}, {_said(b)} in {other.entry}"
        for name, a, b in (
            ("likelihood", one.likelihood, other.likelihood),
            ("scale kind", one.scale_kind, other.scale_kind),
            ("sense", one.sense, other.sense),
            ("fault", _fault(one), _fault(other)),
            ("constant", first.constant, second.constant),
        )
        if a != b
    ]
    return Comparison(not parts, _sentence(one, other, parts, factor), factor, parts, notes)


def _said(value: str | list[str] | None) -> str:
    return ", ".join(value) if isinstance(value, list) else value or "not determined"


def _fault(answer: Answer) -> str:
    return "none" if answer.bug is None else f'"{answer.bug.sentence}"'


def _family(answer: Answer) -> str | None:
    return _SAME.get(str(answer.likelihood), answer.likelihood)


def _thresholds(answer: Answer) -> str:
    return "; ".join(f"{t.kind} per {t.per} at {t.at}" for t in answer.bends) or "none"


def _gradient(answer: Answer) -> str:
    """Whether the gradient is the slope of the value, in words."""
    if answer.bug is not None and answer.bug.name == "value-without-gradient":
        fault, *_ = answer.bug.sentence.split(":")
        return f"another than the value's slope ({fault.rstrip('.')})"
    said = [one.sentence.rstrip(".") for one in answer.findings if one.name.startswith("gradient-is")]
    return f"another than the value's slope ({said[0]})" if said else "the value's slope"


def _beta(answer: Answer) -> str:
    return "not determined" if answer.beta_effective is None else answer.beta_effective.expression


def _spread(answer: Answer) -> str:
    """The decoder's variance, else the likelihood."""
    variance = answer.implied_variance
    return _said(answer.likelihood_name or answer.likelihood) if variance is None else variance.expression


def _absent(coefficient: str | None) -> bool:
    return coefficient in (None, "0")


def _defaults(answer: Answer) -> dict[str, float]:
    """Argument → its known value, of the arguments in the KL's weight."""
    at = {} if answer.beta_effective is None else answer.beta_effective.at
    return {name: value for name, value in at.items() if name in answer.parameters}


def _sentence(one: Answer, other: Answer, parts: list[Part], factor: str | None) -> str:
    if not parts:
        times = "" if factor in (None, "1") else f": the second is {factor} times the first"
        return f"{one.entry} and {other.entry} are the same objective{times}."
    said = [
        f"the {part.name} is {part.one} in the first and {part.other} in the second"
        + (f", {part.factor} times as much" if part.factor else "")
        for part in parts
    ]
    return f"{one.entry} and {other.entry} are not the same objective: {'; '.join(said)}."


def quotient(one: str | None, other: str | None, known: Mapping[str, float]) -> str | None:
    """other / one, simplified to a number times powers of the sizes if possible; None if either expression is None."""
    if one is None or other is None:
        return None
    if one == other and one != "0":
        return "1"
    return monomial(f"({other})/({one})", known)
