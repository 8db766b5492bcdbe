"""In which facts does an answer differ from the facts worked out by hand? One line for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from explain.facts import USUAL

from elbostone.explain.answer import Answer
from elbostone.explain.expressions import evaluate, names_in
from elbostone.explain.phase import explained_in_one_worker
from elbostone.explain.records import Asked, Explained

CASES = Path(__file__).parent / "cases"
RELATIVE = 1e-9


def equal(one: str | None, other: str | None) -> bool:
    """Whether two expressions agree at five random values of their names."""
    if one is None or other is None:
        return one is other
    names = names_in(one) | names_in(other)
    for seed in range(5):
        random = Random(seed)
        at = {name: random.uniform(1.5, 9.0) for name in sorted(names)}
        left, right = evaluate(one, at), evaluate(other, at)
        if left is None or right is None or abs(left - right) > RELATIVE * max(abs(left), abs(right)):
            return False
    return True


def differences(answer: Answer, facts: dict[str, Any]) -> list[str]:
    """Every fact in which the answer differs."""
    expected = dict(facts["only"]) if "only" in facts else {**USUAL, **facts}
    found: dict[str, tuple[Any, Any]] = {}
    for name, value in expected.items():
        if name == "coefficients":
            c = answer.coefficients
            got = None if c is None else (c.recon, c.kl, c.constant)
            same = got is None if value is None else got is not None and all(map(equal, value, got))
        elif name in ("beta", "variance"):
            number = answer.beta_effective if name == "beta" else answer.implied_variance
            got = number and number.expression
            same = equal(value, got)
        elif name == "threshold":
            got = [(t.kind, t.per, t.at) for t in answer.thresholds]
            same = len(got) == 1 and got[0][:2] == value[:2] and equal(got[0][2], value[2])
        elif name in ("bug", "edit"):
            got = answer.bug and (answer.bug.name if name == "bug" else answer.bug.edit)
            same = got == value
        else:
            got = getattr(answer, name)
            same = got == value
        if not same:
            found[name] = value, got
    return [f"{name}: expected {value}; found {got}" for name, (value, got) in found.items()]


def all_differences(outcomes: Mapping[str, Explained], facts: Mapping[str, dict[str, Any]]) -> dict[str, list[str]]:
    """The losses without an answer, or with an answer that differs from their facts, and the differences."""
    found = {}
    for name, outcome in outcomes.items():
        if outcome.answer is None:
            found[name] = [f"no answer: {outcome.bad_input or outcome.raised}"]
        else:
            found[name] = differences(outcome.answer, facts[name])
    return {name: why for name, why in found.items() if why}


def explained_together(
    framework: str, names: Sequence[str], stem: str | None = None, *, keras: bool = False
) -> dict[str, Explained]:
    """The outcomes of several losses of one file, in one worker."""
    file = str(CASES / f"{stem or f'on_{framework}'}.py")
    asked = [Asked(file, name, framework, keras, {}, {}, {}, 0.0) for name in names]
    return dict(zip(names, explained_in_one_worker(asked, 300.0), strict=True))
