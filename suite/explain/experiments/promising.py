"""May an edited loss be right? A quick test, before it is explained anew."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import numpy as np

from ..binding import Layout
from ..dictionary.divergences import analytic, divergences, sampled
from ..dictionary.formula import Array, Formula
from ..dictionary.given import given_divergences
from ..dictionary.likelihoods import likelihoods
from ..dictionary.scale_kinds import VARIANCE
from ..lab import Lab, Values
from ..terms import Term
from .element import Match
from .reductions import SECOND_SIZES


def promising(lab: Lab, recon: Match | None, kl: Match | None, kinds: tuple[str, ...] = ()) -> bool:
    """Whether an edited loss is a·R + b·K + c with the same b/a at two sets of sizes.

    Args:
        lab: the edited loss.
        recon, kl: the terms of the loss without the edit.
        kinds: the scale kinds that its KL may read; empty for all.
    """
    if recon is None:
        return False
    known = likelihoods(*recon.term.formula.roles)
    data = [_unedited(recon, known)]
    if data[0].name == "bernoulli-logits":  # the logits of one may be the probabilities of the other
        data += [one for one in known if one.name == "bernoulli-probabilities" and one.detail is None]
    if kl is None or kl.term.formula.name == "analytic":
        kls = [analytic(kind) for kind in kinds or VARIANCE]
    else:
        kls = [sampled(kind) for kind in kinds] or [_unedited(kl, _of_roles(kl.term.formula.roles))]
    other = lab.at({axis: size for axis, size in SECOND_SIZES.items() if lab.sizes.get(axis, 100) < 100})
    ratios: list[dict[int, float]] = []
    for one in (lab, other):
        draws = [one.draw(seed) for seed in range(500, 507)]
        seen = one.binding.layout, draws, one.values(draws)
        pairs = enumerate(product(data, kls))
        found = {place: _ratio(*seen, Term(likelihood), Term(divergence)) for place, (likelihood, divergence) in pairs}
        ratios.append({place: ratio for place, ratio in found.items() if ratio is not None})
        if not ratios[-1]:
            return False
    return any(place in ratios[1] and abs(ratio / ratios[1][place] - 1) < 1e-8 for place, ratio in ratios[0].items())


def _of_roles(roles: tuple[str, ...]) -> tuple[Formula, ...]:
    """The divergences of these roles."""
    return given_divergences(*roles) if "log_q" in roles else divergences(*roles)


def _unedited(match: Match, formulas: Iterable[Formula]) -> Formula:
    """The dictionary's formula of a match, without its edit."""
    own = match.term.formula
    return (
        own if match.edited is None else next((f for f in formulas if f.text == own.text and f.kind == own.kind), own)
    )


def _ratio(layout: Layout, draws: list[Values], values: Array, recon: Term, kl: Term) -> float | None:
    """b/a of values = a·R + b·K + c; None if the fit leaves more than rounding, or a and b differ in sign."""
    matrix = np.array([[recon.value(draw, layout), kl.value(draw, layout), 1.0] for draw in draws])
    if not np.all(np.isfinite(values)) or not np.all(np.isfinite(matrix)):
        return None
    scales, *_ = np.linalg.lstsq(matrix, values, rcond=None)
    off = np.abs(matrix @ scales - values).max() > 1e-9 * np.abs(matrix * scales).max()
    return None if off or scales[0] * scales[1] <= 0 else float(scales[1] / scales[0])
