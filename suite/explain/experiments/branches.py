"""How the expression of a schedule is written: conditions as `min` and `max`, and those that people write most."""

from __future__ import annotations

from itertools import accumulate

from ..expressions import monomial


def conditional(condition: str, yes: str, no: str) -> str:
    """A condition as `min` or `max` where it is one."""
    for sign, word in ((" < ", "min"), (" > ", "max"), (" <= ", "min"), (" >= ", "max")):
        left, found, right = condition.partition(sign)
        if found:
            same = [_equal(left, yes) and _equal(right, no), _equal(left, no) and _equal(right, yes)]
            if same[0]:
                return f"{word}({yes}, {no})"
            if same[1]:
                return f"{'max' if word == 'min' else 'min'}({yes}, {no})"
            factors = {monomial(f"({side})/({of})", {}) for side, of in ((yes, left), (no, condition.split(sign)[1]))}
            factor, *others = factors
            if not others and factor.isidentifier():
                return f"{factor}*{word}({left}, {condition.split(sign)[1]})"
            break
    return f"({yes} if {condition} else {no})"


def _equal(one: str, other: str) -> bool:
    try:
        return float(one.strip("()")) == float(other.strip("()"))
    except ValueError:
        return one.strip("()") == other.strip("()")


def unbracketed(text: str) -> str:
    """An expression without brackets around the whole."""
    inner = text[1:-1]
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depths = accumulate((sign == "(") - (sign == ")") for sign in inner)
    return unbracketed(inner) if min(depths, default=0) >= 0 else text


def schedules(names: set[str], others: list[str]) -> list[str]:
    """Common schedules, for losses whose framework computes them from tensors, where nothing is noted."""
    texts = []
    for name in sorted(names):
        texts += [f"1-{name}", f"1+{name}", f"min(1, {name})", f"1/(1+{name})", f"exp({name})", f"exp(-{name})"]
        for other in others:
            if other != name:
                texts += [f"min(1, {name}/{other})", f"min(1, {name}*{other})", f"{name}+{other}", f"{name}-{other}"]
                texts += [f"min({other}, {name})", f"max({other}, {name})"]
    return texts
