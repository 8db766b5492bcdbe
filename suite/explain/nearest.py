"""Which published notations have this objective? If none has, which one is nearest, and which fields differ?"""

from __future__ import annotations

from collections.abc import Iterable

from ..notations.notation import Notation
from .answer import Answer, Nearest

_FAMILIES = {
    "bernoulli-probabilities": ("bernoulli",),
    "bernoulli-logits": ("bernoulli",),
    "squared-error": ("gaussian-fixed",),
    "gaussian": ("gaussian", "gaussian-fixed"),
}
_ESTIMATORS = {"elbo": "analytic", "elbo_monte_carlo": "sampled"}


def nearest(answer: Answer, notations: Iterable[Notation]) -> Nearest | None:
    """Compare sense, reductions, family, estimator and weight; None if the loss was not identified.

    The nearest notation of a weighted KL is sought among the notations with a weight. It has the same likelihood and
    estimator if possible, then the fewest differing fields; of equally near notations, it is the first by id.
    """
    if answer.kl not in _ESTIMATORS.values() or answer.likelihood in (None, "absent") or answer.sense is None:
        return None
    if answer.bug is None and answer.beta_effective is None:
        return None
    found = {notation.id: differences(answer, notation) for notation in notations}
    equal = sorted(name for name, differs in found.items() if not differs)
    if equal:
        return Nearest(equal, None, [])
    weighted = {notation.id for notation in notations if notation.objective.beta == "beta"}
    plain = answer.beta_effective is not None and answer.beta_effective.expression == "1"
    candidates = [name for name in sorted(found) if plain or not weighted or name in weighted]
    model = ("likelihood", "kl")
    closest = min(candidates, key=lambda name: (sum(one in model for one in found[name]), len(found[name])))
    return Nearest([], closest, found[closest])


def differences(answer: Answer, notation: Notation) -> list[str]:
    """The fields in which the answer and a notation's objective differ."""
    objective = notation.objective
    beta = answer.beta_effective.expression if answer.beta_effective is not None else ""
    own = beta if objective.beta == "beta" and beta.isidentifier() else f"{_number(objective.beta)}"
    families = _FAMILIES.get(answer.likelihood or "", ())
    without = answer.bug is not None and answer.bug.name == "value-without-gradient"
    same = {
        "sense": answer.sense == objective.sense,
        "data_reduction": answer.data_reduction == objective.data,
        "pixel_reduction": answer.pixel_reduction == objective.pixels,
        "latent_reduction": answer.latent_reduction == objective.latents,
        "likelihood": any(family in notation.supports.words["likelihood"] for family in families),
        "kl": answer.kl == _ESTIMATORS.get(objective.bound),
        "thresholds": not answer.bends,
        "gradient": not without,
        "coefficients": beta == own,
        "bug": answer.bug is None or without,
    }
    return [name for name, holds in same.items() if not holds]


def in_words(fields: Iterable[str]) -> str:
    """The names of fields in words."""
    words = {
        "kl": "the KL's estimator",
        "coefficients": "the KL's weight",
        "sense": "its sign",
        "bug": "the fault that is named above",
    }
    return ", ".join(words.get(field, f"the {field.replace('_', ' ')}") for field in fields)


def _number(beta: float | str) -> str:
    return "1" if beta == "beta" else f"{float(beta):g}"
