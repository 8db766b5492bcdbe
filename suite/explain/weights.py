"""Which value of an argument gives the KL a requested weight, and why does the weight depend on the sizes?"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .answer import Number
from .expressions import evaluate, monomial, names_in, power_of
from .glossary import is_time


def solved(beta: str, requested: float, arguments: Iterable[str]) -> dict[str, str]:
    """Argument → the expression of its value at which the weight is the requested one.

    Args:
        beta: the expression of the KL's weight.
        requested: the requested weight.
        arguments: the arguments to solve for; those that the weight is no power of are left out.
    """
    found: dict[str, str] = {}
    for name in arguments:
        power = power_of(beta, name)
        if power is not None and (requested > 0 or power == 1):
            at_one = re.sub(rf"\b{name}\b", "1", beta)  # beta = at_one * name**power
            rest = f"({requested!r}/({at_one}))"
            found[name] = monomial(rest if power == 1 else f"{rest}**({1 / power})", {})
    return found


def averaged(pixels: str | None, latents: str | None, sizes: Iterable[str]) -> str:
    """Why the KL's weight depends on sizes such as D or J, in words."""
    reasons = []
    if pixels is not None and pixels.startswith("mean"):
        apart = re.fullmatch(r"mean over (.*), sum over (.*)", pixels)
        of_axes = f"{apart[1]} and summed over {apart[2]}" if apart else "the pixels"
        reasons.append(f"the data term is averaged over {of_axes}")
    if latents is not None and latents.startswith("mean"):
        both = "the KL over the latent dimensions" if reasons else "the KL is averaged over the latent dimensions"
        reasons.append(both)
    return " and ".join(reasons) or f"the KL's weight changes with {' and '.join(sizes)}"


def arrived(number: Number) -> tuple[str, Number] | None:
    """The step counter in a weight, and the weight's limit for large steps; None if the weight has no limit."""
    for name in sorted(names_in(number.expression)):
        if not is_time(name) or "%" in number.expression:
            continue
        late, later = (monomial(re.sub(rf"\b{name}\b", at, number.expression), {}) for at in ("1e12", "1e14"))
        if late == later and "1e12" not in late:
            at = {other: value for other, value in number.at.items() if other in names_in(late)}
            return name, Number(late, at, evaluate(late, at))
    return None
