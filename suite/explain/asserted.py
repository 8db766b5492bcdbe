"""What a test of the user's asserts of a loss; a failure says in one sentence what the loss is, and what to change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from ..reference.errors import BadInput
from .comparison import compared
from .expressions import evaluate, names_in, near
from .notebook import Explanation, explain
from .sentences import LIKELIHOODS
from .text import compared_text, diff

Loss = str | Callable[..., Any]
NO_TERM = (None, "other", "absent")
"""What an answer says of a likelihood or a KL that is not determined, of no known kind, or not there."""
WORDS: dict[str, tuple[str, ...]] = {
    "likelihood": LIKELIHOODS,
    "kl": ("analytic", "sampled", "absent", "other"),
    "sense": ("minimised", "maximised"),
    "data_reduction": ("none", "sum", "mean"),
    "pixel_reduction": ("sum", "mean"),
    "latent_reduction": ("sum", "mean"),
}
"""What may be asserted; of several axes with different reductions, `mean over H, W, sum over C` as well."""


def assert_objective(
    loss: Loss,
    *,
    likelihood: str | None = None,
    kl: str | None = None,
    sense: str | None = None,
    data_reduction: str | None = None,
    pixel_reduction: str | None = None,
    latent_reduction: str | None = None,
    beta: float | str | None = None,
    at: Mapping[str, float] | None = None,
    set: Mapping[str, Any] | None = None,
    arguments: Mapping[str, str] | None = None,
) -> Explanation:
    """Assert that a loss has no fault, and is what is named.

    Args:
        loss: a function, or FILE.py:NAME.
        likelihood: bernoulli-probabilities, bernoulli-logits, continuous-bernoulli, squared-error, gaussian, laplace,
            huber, poisson, negative-binomial, zero-inflated-negative-binomial, categorical, discretised-logistic,
            absent or other.
        kl: analytic, sampled, absent or other.
        sense: minimised or maximised.
        data_reduction: of the batch, none (a value per example), sum or mean.
        pixel_reduction, latent_reduction: sum or mean.
        beta: the KL's weight in effect: a number, or an expression such as `kld_weight*D/2`.
        at, set, arguments: as `elbostone.explain` takes them.

    Returns:
        The answer.

    Raises:
        AssertionError: a fault was found, or one of these is another; or the likelihood or the KL is not determined,
            of no known kind (`other`) or `absent`, and that word is not what was named.
        BadInput: it cannot be called, or one of these is no such word.
    """
    __tracebackhide__ = True  # pytest shows the user's line, and none of ours
    words = {
        "likelihood": likelihood,
        "kl": kl,
        "sense": sense,
        "data_reduction": data_reduction,
        "pixel_reduction": pixel_reduction,
        "latent_reduction": latent_reduction,
    }
    for name, word in words.items():
        if word is not None and word not in WORDS[name] and " over " not in word:
            meant = get_close_matches(word, WORDS[name], 1)
            raise BadInput(
                f"assert_objective: {name}: expected one of {', '.join(WORDS[name])}; found '{word}'"
                + (f"; did you mean '{meant[0]}'?" if meant else "")
            )
    answer = explain(loss, at=at, set=set, arguments=arguments)
    wrong = [
        f"{name}: expected {word}; found {getattr(answer, name)}"
        for name, word in words.items()
        if word is not None and getattr(answer, name) != word
    ]
    wrong += [
        f"{name}: expected one; found {getattr(answer, name) or 'none that is determined'}"
        for name in ("likelihood", "kl")
        if words[name] is None and getattr(answer, name) in NO_TERM
    ]
    if beta is not None and not _has_weight(answer, beta):
        number = answer.beta_effective
        found = "none that is determined" if number is None else number.expression
        known = "" if number is None or number.value is None else f" = {number.value}"
        wrong.append(f"beta: expected {beta}; found {found}{known}")
    if answer.bug is not None or wrong:
        raise AssertionError("\n".join([answer.sentence, *wrong, *_diff(answer)]))
    return answer


def assert_same_objective(one: Loss, other: Loss, *, at: Mapping[str, float] | None = None) -> None:
    """Assert that two losses are one objective, but for a positive factor on the whole.

    Raises:
        AssertionError: they are not, or one of them is not determined.
        BadInput: one cannot be called.
    """
    __tracebackhide__ = True
    answers = [explain(loss, at=at) for loss in (one, other)]
    found = compared(*answers)
    if found.same is not True:
        raise AssertionError("\n".join([compared_text(found), *(line for one in answers for line in _diff(one))]))


def _diff(answer: Explanation) -> list[str]:
    return [] if answer.change is None else list(diff(answer.change))


def _has_weight(answer: Explanation, beta: float | str) -> bool:
    """Whether the weight is the expected one, at the sizes that are known, or at any."""
    number = answer.beta_effective
    if number is None:
        return False
    if isinstance(number.value, float) and not isinstance(beta, str):
        return near(number.value, float(beta), 1e-9)
    names = sorted(names_in(number.expression) | names_in(str(beta)))
    for base in (1.3, 2.7, 5.1):
        point = {name: base + 0.37 * place for place, name in enumerate(names)}
        found, wanted = evaluate(number.expression, point), evaluate(str(beta), point)
        if found is None or wanted is None or not near(found, wanted, 1e-9):
            return False
    return True
