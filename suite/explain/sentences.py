"""How is the answer said? The one sentence, and the formula in the user's argument names."""

from __future__ import annotations

import re
from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING, Any

from . import remarks
from .binding import named_sizes
from .dictionary.given import GIVEN
from .experiments.outer import Outer
from .expressions import UNKNOWN, Monomial, near
from .terms import Term, in_names
from .undetermined import no_weight
from .weights import averaged

if TYPE_CHECKING:
    from .facts import Facts

_FAMILY = {
    "bernoulli-probabilities": "a Bernoulli decoder (probabilities)",
    "bernoulli-logits": "a Bernoulli decoder (logits)",
    "squared-error": "a squared error",
    "gaussian": "a Gaussian decoder",
    "laplace": "a Laplace decoder",
    "huber": "a Huber error",
    "poisson": "a Poisson decoder",
    "negative-binomial": "a negative binomial decoder",
    "zero-inflated-negative-binomial": "a zero-inflated negative binomial decoder",
    "continuous-bernoulli": "a continuous Bernoulli decoder",
    "categorical": "a categorical decoder",
    "discretised-logistic": "a discretised logistic decoder",
    "absent": "no data term",
    "other": "another data term",
}
LIKELIHOODS = tuple(_FAMILY)
"""The words of the answer's `likelihood`."""


def sentence_of(facts: Facts, answer: dict[str, Any], bound: str | None = "ELBO") -> str:
    """The answer in one sentence: what the loss is, or its fault.

    Args:
        facts: the measured coefficients.
        answer: the fields of the answer so far, by name.
        bound: what the loss bounds or is, such as "ELBO"; None if that was not determined.
    """
    bug = answer["bug"]
    if bug is not None:
        return str(bug.sentence)
    likelihood, beta = answer["likelihood"], answer["beta_effective"]
    if not facts.found.state.deterministic:
        return "Not determined: two calls with the same arguments differ."
    family = _FAMILY.get(likelihood or "other", str(likelihood))
    if likelihood == "other" and answer["likelihood_name"]:
        family += f" ({answer['likelihood_name']})"
    if (answer["likelihood_name"] or "").endswith(GIVEN):
        family = f"a given {answer['likelihood_name'].removesuffix(f' {GIVEN}')}"
    if likelihood is None or answer["kl"] == "other" or bound is None:
        unknown = [why for why in answer["undetermined"] if not why.startswith((remarks.WHICH, remarks.AVERAGE))]
        text = "Not determined: " + ("; ".join(unknown[:2]) or "no formula of the dictionary fits") + "."
        return text + (f" The data term is {family}." if likelihood not in (None, "other", "absent") else "")
    if facts.normaliser is not None:
        family += f" of {'variance' if likelihood == 'gaussian' else 'scale'} {facts.normaliser.spread}"
    if answer["kl"] == "absent":
        return f"This is {family} alone, with no KL."
    if likelihood == "absent":
        scale = f", of a posterior scale that is {answer['scale_kind']}" if answer["scale_kind"] else ""
        return f"This is a KL alone ({answer['kl']}){scale}."
    sign = {"minimised": "negative ", "maximised": ""}.get(str(answer["sense"]), "")
    kl = "an analytic KL" if answer["kl"] == "analytic" else "a sampled KL"
    text = f"This is the {sign}{bound} with {family} and {kl}"
    if beta is None and facts.found.outer:
        return text + "; the KL's weight depends on the data."
    if bound != "ELBO" and beta is None:  # the KL of an importance-weighted bound has no weight of its own
        return text + "."
    if beta is None:
        if likelihood == "other" and facts.found.recon is None and facts.kl is not None:
            start = "The KL's weight is not determined: the data term is a sum of no known formula"
            return f"{start}. Beside it stands {kl}, whose coefficient is {facts.kl}."
        why = "; ".join(no_weight(facts)) or "the two terms do not explain the loss"
        return f"The KL's weight is not determined: {why}. The data term is {family}, with {kl}."
    value, weight = beta.value, beta.expression
    if facts.bend is not None and facts.beta is not None:  # the sentence gives the weight above the threshold
        value, weight = value[0] if isinstance(value, list) else value, str(facts.beta)
    plain = re.fullmatch(r"[-+.\d/e]+", weight)
    shown = f" = {value:.6g}" if isinstance(value, float) and not plain else ""
    limit = "" if facts.bend is None else remarks.below(facts, facts.bend)
    if facts.beta is not None and facts.sizes_in_weight and not _is_one(value):
        why = averaged(answer["pixel_reduction"], answer["latent_reduction"], facts.sizes_in_weight)
        if likelihood == "squared-error":
            return (
                f"This is the {sign}ELBO of a decoder whose variance is {weight}{shown}, and of no other: "
                f"{why}. The data term is a squared error, with {kl}." + (f" {limit}." if limit else "")
            )
        text = f"This is not the ELBO: {why} (weight {weight}{shown}). The data term is {family}, with {kl}."
        return text + (f" {limit}." if limit else "")
    if len(facts.lab.total) > 1 and facts.beta is not None and facts.beta.powers.get("N"):
        added = f"added as they are, the KL has a weight of {weight}, which changes with the batch size"
        return f"These are two terms, {family} and {kl}: {added}."
    text += f", with a KL weight of {weight}{shown}" + (
        " (relative to a decoder variance of 1)" if likelihood == "squared-error" else ""
    )
    if limit:
        text += f"; {limit[0].lower()}{limit[1:]}"
    failed = facts.found.slopes is not None and facts.found.slopes.failed
    if answer["affine"] and beta.expression == "1" and not answer["findings"] and not failed and not facts.found.drawn:
        text += "; no fault was found"
    if facts.constants is None and facts.bend is None:
        text += ", and a constant that is not determined"
    return text + "."


def _is_one(value: object) -> bool:
    return isinstance(value, float) and near(value, 1.0)


def formula_of(facts: Facts) -> str:
    """The loss as a sum of terms, in the user's argument names."""
    parts = []
    found = facts.found
    for coefficient, term, match in ((facts.recon, found.recon_term, found.recon), (facts.kl, found.kl_term, found.kl)):
        if term is not None:
            shown = f"({UNKNOWN})" if coefficient is None else str(coefficient.over_product(found.source_integers))
            text = _term(facts, term) if match is None or match.edited is None else _edited(facts, term)
            parts.append(text if shown == "1" else f"-{text}" if shown == "-1" else f"{shown} * {text}")
    if found.outer is not None:
        parts.insert(0, _of_error(facts, found.outer))
    elif parts and facts.unknown:
        parts.append(f"({UNKNOWN})")
    if facts.constants:
        parts += [str(part) for part in facts.constants]
    return " + ".join(parts).replace("+ -", "- ") or "not determined"


def _of_error(facts: Facts, outer: Outer) -> str:
    """The data term of a variance of the batch, or of each example, in the user's argument names."""
    each, name = "" if outer.of_batch else "_n", facts.lab.binding.name_of
    log = f"log(mean{each}(({name('x')} - {name('recon')})**2))"
    weight, powers = f"({UNKNOWN})", facts.powers.get("recon")
    if powers is not None:
        sizes = {**facts.lab.sizes, **named_sizes(facts.lab.sizes, facts.layout)}
        number = outer.slope / 2 / prod(sizes[axis] ** float(power) for axis, power in powers.items())
        summed = {axis: powers.get(axis, Fraction(0)) + 1 for axis in (("D", "N") if outer.of_batch else ("D",))}
        weight = str(Monomial(float(f"{number:.3g}"), {**powers, **summed}))
    return f"{weight} * {log if outer.of_batch else f'sum_n {log}'}"


def _edited(facts: Facts, term: Term) -> str:
    """An edited formula in the user's argument names, summand by summand."""
    names = {role: facts.lab.binding.name_of(role) for role in term.formula.roles}
    parts = [f"{factor:+g}*{atom.text.format(**names)}" for factor, atom in term.formula.atoms if factor]
    return f"sum({' '.join(parts).removeprefix('+')})"


def _term(facts: Facts, term: Term) -> str:
    """A formula in the user's argument names, with its threshold."""
    text = in_names(term, facts.lab.binding)
    bend = facts.bend if term.bend is not None else None
    if bend is None:
        return text
    at = str(facts.threshold) if facts.threshold else f"{bend.at:.6g}"
    bent = {
        "floor": f"max(K, {at})",
        "mask": f"(K if K > {at} else 0)",
        "hinge": f"max(K - {at}, 0)",
        "capacity": f"abs(K - {at})",
        "ceiling": f"min(K, {at})",
    }[bend.kind]
    return f"sum over each {bend.per} of {bent}, K = {text}"
