"""Is a loss the objective that a user's test expects? A failure has the sentence of the answer and the change."""

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
"""Words for a likelihood or a KL that is not determined, unknown or absent: each must be named to be accepted."""
WORDS: dict[str, tuple[str, ...]] = {
    "likelihood": LIKELIHOODS,
    "kl": ("analytic", "sampled", "absent", "other"),
    "sense": ("minimised", "maximised"),
    "data_reduction": ("none", "sum", "mean"),
    "pixel_reduction": ("sum", "mean"),
    "latent_reduction": ("sum", "mean"),
}
"""Field → the words that may be asserted. Axes with different reductions are written `mean over H, W, sum over C`."""


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
    """Assert that a loss has no fault, and that its named properties are the expected ones.

    Args:
        loss: a function, or the text FILE.py:NAME.
        likelihood: bernoulli-probabilities, bernoulli-logits, continuous-bernoulli, squared-error, gaussian, laplace,
            huber, poisson, negative-binomial, zero-inflated-negative-binomial, categorical, discretised-logistic,
            absent or other.
        kl: analytic, sampled, absent or other.
        sense: minimised or maximised.
        data_reduction: none (a value per example), sum or mean over the batch.
        pixel_reduction, latent_reduction: sum or mean.
        beta: the KL's weight in effect: a number, or an expression such as `kld_weight*D/2`.
        at, set, arguments: sizes, argument values and roles, as in `elbostone.explain`.

    Returns:
        The answer.

    Raises:
        AssertionError: the loss has a fault, or a named property differs. A likelihood or KL that is not determined,
            unknown (`other`) or `absent` fails too, unless that word was named.
        BadInput: the loss cannot be called, or a word is unknown.
    """
    __tracebackhide__ = True  # pytest then shows the line of the user's test
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
    """Assert that two losses are the same objective, up to a positive factor on the whole loss.

    Args:
        one, other: functions, or texts FILE.py:NAME.
        at: sizes of both, such as {"D": 784}.

    Raises:
        AssertionError: the objectives differ, or one of them is not determined.
        BadInput: a loss cannot be called.
    """
    __tracebackhide__ = True
    answers = [explain(loss, at=at) for loss in (one, other)]
    found = compared(*answers)
    if found.same is not True:
        raise AssertionError("\n".join([compared_text(found), *(line for one in answers for line in _diff(one))]))


def _diff(answer: Explanation) -> list[str]:
    return [] if answer.change is None else list(diff(answer.change))


def _has_weight(answer: Explanation, beta: float | str) -> bool:
    """Whether the KL's weight is the expected one: at the known sizes, else at three points."""
    number = answer.beta_effective
    if number is None:
        return False
    if isinstance(number.value, float) and not isinstance(beta, str):
        return near(number.value, float(beta), 1e-9)
    names = sorted(names_in(number.expression) | names_in(str(beta)))
    for base in (1.3, 2.7, 5.1):
        point = {name: base + 0.37 * place for place, name in enumerate(names)}
        measured, expected = evaluate(number.expression, point), evaluate(str(beta), point)
        if measured is None or expected is None or not near(measured, expected, 1e-9):
            return False
    return True
