"""How does a mask enter? Which entries it keeps, and whether the term is divided by the number of kept elements."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..lab import Lab, LossFailed
from .additivity import Additivity, additivity


@dataclass(frozen=True)
class Masked:
    """How a mask enters.

    Attributes:
        keeps: whether True keeps an element; if not, True leaves it out.
        normalised: `batch` or `example` if the term is divided by the number of kept elements in it; else empty.
        residual: the relative deviation from equal weights.
    """

    keeps: bool
    normalised: str
    residual: float


def masked(lab: Lab) -> Masked | None:
    """Change one kept element under a mask that keeps all elements, and under a mask that keeps this one alone.

    Returns:
        None if masked and kept elements both count, or the loss fails.
    """
    base = lab.draw(1)
    if "recon" not in base:
        return None
    mask = base["mask"]
    spots = {bool(value): tuple(np.argwhere(mask == value)[0]) for value in (True, False)}
    full, few = mask.copy(), mask.copy()
    each = mask.size // (lab.sizes["N"] if lab.binding.layout.batch else 1)

    def effect(kept: np.ndarray, spot: tuple[int, ...]) -> float:
        moved = base["recon"].copy()
        moved[spot] = moved[spot] + 0.1 if moved[spot].max() < 0.7 else moved[spot] - 0.1
        return lab.value({**base, "mask": kept, "recon": moved}) - lab.value({**base, "mask": kept})

    try:
        effects = {value: effect(mask, spot) for value, spot in spots.items()}
        quiet = lab.allowed(lab.value(base)) + 1e-300
        if abs(effects[True]) > quiet and abs(effects[False]) > quiet:
            return None
        keeps = abs(effects[True]) > quiet
        spot = spots[keeps]
        full[...] = few[...] = keeps
        few[spot[0] if each < mask.size and each > 1 else ...] = not keeps  # an example that keeps nothing may be 0/0
        few[spot] = keeps
        ratio = effect(few, spot) / effect(full, spot)
    except LossFailed:
        return None
    ratios = {"batch": mask.size / (few == keeps).sum(), "example": float(each)}
    per = next((of for of, size in ratios.items() if size > 1 and abs(ratio - size) < 1e-6 * size), "")
    return Masked(keeps, per, abs(ratio - 1) if abs(ratio - 1) < 1e-6 else 0.0)


def where_all_is_kept(lab: Lab) -> tuple[Lab, Additivity] | None:
    """A loss whose mask is of both terms, with the mask held where it leaves nothing out; None where it is no sum."""
    for one in (lab, lab.inverted("mask")):
        whole = replace(one, domains={**lab.domains, "mask": f"{lab.domains['mask']}, all kept"})
        first, other = (whole.draw(seed) for seed in (1, 2))
        again = additivity(whole)
        if again.holds and whole.value(first) != whole.value({**first, "recon": other["recon"]}):
            return whole, again
    return None
