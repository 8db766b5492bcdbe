"""Which argument gives the KL a requested weight (`--want`), and how does a schedule change the weight (`--sweep`)?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from ..notations.notation import Notation
from ..reference.errors import BadInput
from .answer import Answer, Number
from .expressions import evaluate, monomial, names_in, near
from .nearest import differences, in_words
from .weights import arrived, solved

ELSEWHERE = ({"D": 784, "J": 2}, {"D": 784, "J": 20}, {"D": 3072, "J": 64}, {"D": 12288, "J": 128})
"""Sizes at which the argument is shown beside the user's own: MNIST, CIFAR-10, CelebA at 64 × 64."""
_BARS = "▁▂▃▄▅▆▇█"


class Wanted(msgspec.Struct, frozen=True):
    """How the KL gets the requested weight.

    Attributes:
        sentence: the result in one sentence.
        holds: whether the loss has the weight already; None if a size or an argument is not known.
        arguments: argument → the value that gives the weight, an expression.
        factor: the factor on the KL that gives the weight, if no argument does.
        at: sizes, and the values of the arguments or the factor there.
        differs_in: the fields in which the loss differs from the requested notation beside the weight: `likelihood`,
            `kl`, `thresholds`. The sign and a factor on the whole loss do not count.
    """

    sentence: str
    holds: bool | None
    arguments: dict[str, str]
    factor: str | None
    at: list[dict[str, float]]
    differs_in: list[str]


@dataclass(frozen=True)
class Target:
    """A requested weight, and the notation that has it.

    Attributes:
        beta: the weight; None if the notation leaves it open.
        notation: the notation; None for a plain number.
    """

    beta: float | None
    notation: Notation | None = None


def target(text: str, notations: Mapping[str, Notation]) -> Target:
    """The weight of `beta=1`, of `paper` (Kingma and Welling 2013), or of a notation's id.

    Raises:
        BadInput: the text is none of these.
    """
    name, equals, number = text.partition("=")
    if equals and name.strip() == "beta":
        try:
            return Target(float(number))
        except ValueError:
            raise BadInput(f"--want beta: expected a number; found '{number}'") from None
    chosen = notations.get("kingma_welling_2013" if text == "paper" else text)
    if chosen is None:
        raise BadInput(f"--want: expected beta=NUMBER, paper or one of {', '.join(sorted(notations))}; found '{text}'")
    beta = chosen.objective.beta
    return Target(None if isinstance(beta, str) else float(beta), chosen)


def wanted(answer: Answer, goal: Target) -> Wanted:
    """The argument, or else the factor on the KL, that gives the requested weight; for a faulty loss, the change.

    Raises:
        BadInput: the loss has no fault, and its KL's weight is no expression in sizes and arguments.
    """
    beta, aim = answer.beta_effective, goal.beta
    others = [] if goal.notation is None else differences(answer, goal.notation)
    others = [name for name in others if name in ("likelihood", "kl", "thresholds")]
    if answer.bug is not None:
        return Wanted(_of_the_change(answer, aim), False, {}, None, [], others)
    if beta is None or not names_in(beta.expression) <= {*answer.parameters, "N", "D", "J", "k", "T"}:
        raise BadInput(f"--want: the weight of the KL is not determined. {answer.sentence}")
    counted, beta = arrived(beta) or ("", beta)
    now = beta.value if isinstance(beta.value, float) else None
    holds = True if aim is None else None if now is None else near(now, aim, 1e-6)
    then = f" once {counted} has counted up" if counted else ""
    if aim is None or holds:
        return Wanted(
            _said(beta.expression, now, aim, "", goal, others, then), holds and not others, {}, None, [], others
        )
    arguments = solved(beta.expression, aim, answer.parameters)
    given = {name: value for name, value in beta.at.items() if name in answer.parameters}
    factor = None if arguments else monomial(f"{aim!r}/({beta.expression})", given)
    ways = {**arguments, **({} if factor is None else {"factor": factor})}
    used = {name for text in (beta.expression, *ways.values()) for name in names_in(text)} - set(given)
    points: list[Mapping[str, float]] = [*([beta.at] if set(beta.at) - set(given) else []), *ELSEWHERE]
    at: list[dict[str, float]] = []
    for point in points:
        sizes = {name: float(value) for name, value in point.items() if name in used}
        values = {name: evaluate(text, {**given, **point}) for name, text in ways.items()}
        row = {**sizes, **{name: value for name, value in values.items() if value is not None}}
        if sizes and row not in at:
            at.append(row)
    how = " or ".join(f"pass {name} = {value}" for name, value in arguments.items()) or f"multiply the KL by {factor}"
    return Wanted(_said(beta.expression, now, aim, how, goal, others, then), holds, arguments, factor, at, others)


def _of_the_change(answer: Answer, aim: float | None) -> str:
    """The sentence for a faulty loss: its change, and the KL's weight after it."""
    if answer.change is None:
        return "The loss has a fault: its KL has no weight to be set before that is mended."
    after = answer.change.beta
    if aim is None or after == f"{aim:.12g}":
        return f"The loss has a fault; the change below mends it, and gives the KL a weight of {after}, as wanted."
    factor = monomial(f"{aim!r}/({after})", {})
    return (
        f"The loss has a fault; the change below mends it, and gives the KL a weight of {after}: for {aim:g}, "
        f"multiply the KL by {factor} as well."
    )


def _said(
    expression: str, now: float | None, aim: float | None, how: str, goal: Target, others: Sequence[str], then: str = ""
) -> str:
    """The sentence: the weight that the loss has, how it gets the requested one, and what else differs."""
    is_now = expression if now is None else f"{expression} = {now:.6g}" if expression != f"{now:.6g}" else expression
    is_now += then
    also = ""
    if others and goal.notation is not None:
        also = f" It is another objective than that of {goal.notation.id}: {in_words(others)} differ" + (
            "s." if len(others) == 1 else "."
        )
    if not how:
        return f"The KL's weight is {is_now}" + (", as wanted." if not others else ".") + also
    return f"The KL's weight is {is_now}; for {aim:g}, {how}.{also}"


class Sweep(msgspec.Struct, frozen=True):
    """The KL's weight along a schedule.

    Attributes:
        name: the argument that counts the steps.
        sentence: whether the weight reaches a final value and stays there, in one sentence.
        steps, weights: the steps, and the weight at each.
    """

    name: str
    sentence: str
    steps: list[float]
    weights: list[float]


def steps(text: str) -> tuple[str, list[int]]:
    """The name and at most 61 whole steps of a text such as `epoch=0:500`.

    Raises:
        BadInput: the text has another form.
    """
    found = re.fullmatch(r"\s*(\w+)\s*=\s*(\d+)\s*:\s*(\d+)\s*", text)
    if found is None or int(found[2]) >= int(found[3]):
        raise BadInput(f"--sweep: expected NAME=FIRST:LAST, such as epoch=0:500; found '{text}'")
    first, last = int(found[2]), int(found[3])
    return found[1], sorted({first + round((last - first) * place / 60) for place in range(61)})


def sweep(answer: Answer, name: str, at: Iterable[int]) -> Sweep:
    """The KL's weight at the steps of a schedule, from its expression, else as measured.

    Args:
        answer: the answer.
        name: the argument that counts the steps.
        at: the steps.

    Raises:
        BadInput: the weight does not depend on the argument, or a size is missing.
    """
    beta, places = answer.beta_effective, list(at)
    measured = answer.parameters.get(name, {}).get("weights") or []
    seen = None not in measured and len({f"{weight:.9g}" for weight in measured}) > 1
    if not seen and (beta is None or name not in names_in(beta.expression)):
        weight = "not determined" if beta is None else beta.expression
        raise BadInput(f"--sweep {name}: the weight of the KL does not depend on it: {weight}")
    period = None
    if seen or beta is None:
        values: list[float | None] = list(measured)
        period = _repeats(places, measured)
    else:
        values = [evaluate(beta.expression, {**beta.at, name: float(place)}) for place in places]
        period = _period(beta, name, places)
    weights = [value for value in values if value is not None]
    if len(weights) < len(values):
        missing = names_in(beta.expression) - set(beta.at) - {name} if beta is not None else set()
        raise BadInput(f"--sweep {name}: expected the values of {', '.join(sorted(missing))}; give them with --at")
    last = weights[-1]
    arrived = next(place for place, weight in zip(places, weights, strict=True) if near(weight, last, 1e-9))
    stays = all(near(weight, last, 1e-9) for weight in weights[places.index(arrived) :])
    how = "goes, as it was measured at small sizes," if seen else "goes"
    span = f"From {name} {places[0]} to {places[-1]} the KL's weight {how} from {weights[0]:.6g} to {last:.6g}"
    if period is not None:
        low, high = min(weights), max(weights)
        sentence = (
            f"From {name} {places[0]} to {places[-1]} the KL's weight runs in cycles of {period:g}, from {low:.6g} to "
            f"{high:.6g} in each."
        )
    elif abs(last - weights[-2]) <= 1e-3 * (max(weights) - min(weights)) and not stays:
        sentence = f"{span}, which it still approaches."
    elif arrived == places[-1] or not stays:
        sentence = f"{span}, and is not constant at the end: it has not arrived."
    else:
        sentence = f"{span}, where it arrives by {name} {arrived} and stays."
    return Sweep(name, sentence, [float(place) for place in places], weights)


def _period(beta: Number, name: str, places: Sequence[int]) -> float | None:
    """The length in steps of the cycle in an expression with `%`; None if no whole cycle is within the steps."""
    for text in re.findall(r"%\s*(\w+(?:\.\d+)?)", beta.expression):
        period = evaluate(text, beta.at)
        if not period or period <= 0 or places[-1] - places[0] < period:
            continue
        pairs = [
            [evaluate(beta.expression, {**beta.at, name: float(place + turn * period)}) for turn in (0, 1)]
            for place in places
        ]
        if all(one is not None and other is not None and abs(one - other) < 1e-9 for one, other in pairs):
            return period
    return None


def _repeats(places: Sequence[int], weights: Sequence[float]) -> float | None:
    """The length in steps of the shortest cycle of measured weights; None if none repeats within the steps."""
    gaps = {after - before for before, after in pairwise(places)}
    for lag in range(2, len(places) // 2 + 1) if len(gaps) == 1 else ():
        if all(abs(one - other) < 1e-6 for one, other in zip(weights, weights[lag:], strict=False)):
            return float(places[lag] - places[0]) if max(weights[:lag]) - min(weights[:lag]) > 1e-3 else None
    return None


def drawn(one: Sweep) -> str:
    """The weights as a bar chart of text, one bar per step."""
    low, high = min(0.0, *one.weights), max(one.weights)
    reach = (high - low) or 1.0
    return "".join(_BARS[min(7, int(8 * (weight - low) / reach))] for weight in one.weights)
