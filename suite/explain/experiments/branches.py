"""How is the expression of a schedule written? A condition becomes `min` or `max` if possible."""

from __future__ import annotations

from itertools import accumulate

from ..expressions import monomial


def conditional(condition: str, yes: str, no: str) -> str:
    """The expression `yes if condition else no`, written as `min` or `max` if it is one."""
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
    """An expression without brackets around all of it."""
    inner = text[1:-1]
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depths = accumulate((sign == "(") - (sign == ")") for sign in inner)
    return unbracketed(inner) if min(depths, default=0) >= 0 else text


def schedules(names: set[str], others: list[str]) -> list[str]:
    """Usual schedules, for losses that compute them with tensors, where the arithmetic is not traced.

    Args:
        names: arguments with an unknown dependence.
        others: all arguments that are numbers.
    """
    texts = []
    for name in sorted(names):
        texts += [f"1-{name}", f"1+{name}", f"min(1, {name})", f"1/(1+{name})", f"exp({name})", f"exp(-{name})"]
        for other in others:
            if other != name:
                texts += [f"min(1, {name}/{other})", f"min(1, {name}*{other})", f"{name}+{other}", f"{name}-{other}"]
                texts += [f"min({other}, {name})", f"max({other}, {name})"]
    return texts
