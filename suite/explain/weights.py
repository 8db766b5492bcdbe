"""The inverse question: which argument gives the KL a wanted weight, and why its weight depends on the sizes."""

from __future__ import annotations

from collections.abc import Iterable

from .expressions import Monomial, monomial, power_of


def solved(beta: str, wanted: float, arguments: Iterable[str]) -> dict[str, str]:
    """Argument → its value at which the weight is the wanted one, for each argument that the weight is a power of."""
    found: dict[str, str] = {}
    for name in arguments:
        power = power_of(beta, name)
        if power is not None and (wanted > 0 or power == 1):
            rest = f"({wanted!r}/(({beta})/{name}**({power})))"
            found[name] = monomial(rest if power == 1 else f"{rest}**({1 / power})", {})
    return found


def averaged(pixels: str | None, latents: str | None, beta: Monomial) -> str:
    """Why the weight depends on D or J, in words."""
    reasons = []
    if pixels is not None and pixels.startswith("mean"):
        reasons.append("the data term is averaged over the pixels")
    if latents is not None and latents.startswith("mean"):
        both = "the KL over the latent dimensions" if reasons else "the KL is averaged over the latent dimensions"
        reasons.append(both)
    sizes = " and ".join(name for name in ("D", "J") if name in beta.powers)
    return " and ".join(reasons) or f"the KL's weight changes with {sizes}"
