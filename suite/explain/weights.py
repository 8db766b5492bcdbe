"""The inverse question: which argument gives the KL a wanted weight, and why its weight depends on the sizes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .answer import Number
from .expressions import evaluate, monomial, names_in, power_of
from .glossary import is_time


def solved(beta: str, wanted: float, arguments: Iterable[str]) -> dict[str, str]:
    """Argument → its value at which the weight is the wanted one, for each argument that the weight is a power of."""
    found: dict[str, str] = {}
    for name in arguments:
        power = power_of(beta, name)
        if power is not None and (wanted > 0 or power == 1):
            at_one = re.sub(rf"\b{name}\b", "1", beta)  # it is proportional to the power
            rest = f"({wanted!r}/({at_one}))"
            found[name] = monomial(rest if power == 1 else f"{rest}**({1 / power})", {})
    return found


def averaged(pixels: str | None, latents: str | None, sizes: Iterable[str]) -> str:
    """Why the weight depends on sizes such as D or J, in words."""
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
    """The argument that training counts up, and what a weight is when it is large; None where that is no end."""
    for name in sorted(names_in(number.expression)):
        if not is_time(name) or "%" in number.expression:
            continue
        late, later = (monomial(re.sub(rf"\b{name}\b", at, number.expression), {}) for at in ("1e12", "1e14"))
        if late == later and "1e12" not in late:
            at = {other: value for other, value in number.at.items() if other in names_in(late)}
            return name, Number(late, at, evaluate(late, at))
    return None
