"""Experiments 5 and 6: which formula of the dictionary is the term of each side?

The loss is additive, so that the other side is fixed. A formula matches if scale · formula + offset equals the loss up
to rounding, at more draws than unknowns. A term that matches is also separable over every axis.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..dictionary.classes import categorical
from ..dictionary.divergences import added_density, divergences, of_all_latents, reversed_divergence
from ..dictionary.edits import Edited, edits, exchanged
from ..dictionary.formula import Array, Formula
from ..dictionary.given import GIVEN, edits_of_given, given_divergences, given_likelihoods
from ..dictionary.likelihoods import huber, likelihoods, sigmoid_twice
from ..dictionary.scale_kinds import NEUTRAL
from ..expressions import near
from ..glossary import stated_kind
from ..lab import Lab, LossFailed, Values
from ..terms import Term
from .state import DATA_SIDE, LATENT_SIDE

DRAWS = 14
FEWEST = 4
"""The fewest draws for a fit of scale and offset."""


@dataclass(frozen=True)
class Match:
    """A term that fits one side of the loss.

    Attributes:
        term: the term.
        scale: its coefficient.
        residual: the largest deviation, relative to the range of the values.
        allowed: the deviation that rounding explains, relative to the range.
        swapped: whether the fit has two arguments exchanged.
        edited: the edit of a dictionary formula, if the term has one.
        without: the residual of the formula without the edit.
        other: another edit that fits, for a scale of another kind than its name states.
    """

    term: Term
    scale: float
    residual: float
    allowed: float
    swapped: bool = False
    edited: Edited | None = None
    without: float | None = None
    other: Match | None = None

    @property
    def lacks_mean(self) -> bool:
        """Whether it is a KL without the square of the mean."""
        return self.edited is not None and (self.edited.edit, self.edited.where) == ("dropped-term", "{mu}**2")


@dataclass(frozen=True)
class Observed:
    """Draws of one side with the other side fixed, and the loss at each, [draws]."""

    draws: list[Values]
    values: Array

    @property
    def size(self) -> float:
        """The largest magnitude of the loss."""
        return float(np.abs(self.values).max())


def observe(lab: Lab, side: tuple[str, ...], *, spread: float = 1.0, count: int = DRAWS, seed: int = 100) -> Observed:
    """Draws of one side at which the loss is finite.

    Args:
        lab: the loss.
        side: the roles that are drawn anew.
        spread: a factor on the posterior's means; a large one makes the KL large.
        count: the number of draws.
        seed: the seed of the first draw.
    """
    base = lab.draw(99)
    draws: list[Values] = []
    values: list[float] = []
    for place in range(4 * count):
        fresh = lab.draw(seed + place)
        values_of = {role: fresh[role] if role in side else base[role] for role in base}
        if "mu" in side and "mu" in values_of:
            values_of["mu"] = values_of["mu"] * spread
        try:
            value = lab.value(values_of)
        except LossFailed:
            continue
        if np.isfinite(value):
            draws.append(values_of)
            values.append(value)
        if len(draws) == count:
            break
    return Observed(draws, np.array(values))


def fit(lab: Lab, term: Term, seen: Observed, *, needs_recon: bool = False) -> tuple[float, float, float]:
    """Fit scale · term + offset by least squares: scale, residual and allowed residual, relative to the range."""
    layout = lab.binding.layout
    if len(seen.draws) < FEWEST:
        return 0.0, np.inf, 0.0
    column = np.array([term.value(values, layout) for values in seen.draws])
    if not np.all(np.isfinite(column)) or np.ptp(column) == 0:
        return 0.0, np.inf, 0.0
    centred, target = column - column.mean(), seen.values - seen.values.mean()
    scale = float(centred @ target / (centred @ centred))
    reach = float(np.abs(target).max()) or 1e-300
    residual = float(np.abs(target - scale * centred).max()) / reach
    sizes = max(term.size(values, layout) for values in seen.draws[:3])
    return scale, residual, lab.allowed(seen.size, scale * sizes) / reach


def match(lab: Lab, side: tuple[str, ...], seen: Observed, roles: Iterable[str], *, per_kept: str = "") -> Match | None:
    """The formula that fits one side as it is, else with two arguments exchanged; None if none fits.

    Args:
        lab: the loss.
        side: the roles of the side.
        seen: draws of the side.
        roles: the roles that the loss depends on.
        per_kept: `batch` or `example` if a masked sum is divided by the share of kept elements in it; else empty.
    """
    known = tuple(sorted(set(roles) & set(side)))
    formulas = _formulas(lab, side, known)
    needed = {"recon", "log_px", "log_joint"} if side is DATA_SIDE else {"scale", "log_q"}
    formulas = tuple(f for f in formulas if needed & set(f.roles))
    for swapped in (False, True):
        view = _swapped(seen, side) if swapped else seen
        if view is None:
            continue
        for formula in formulas:
            term = Term(formula, per_kept=per_kept)
            scale, residual, allowed = fit(lab, term, view)
            if residual <= allowed:
                if not swapped:
                    return Match(term, scale, residual, allowed)
                _, without, _ = fit(lab, term, seen)
                edited = exchanged(formula, *_pair(side))
                return Match(replace(term, formula=edited.formula), scale, residual, allowed, True, edited, without)
    return None


def _formulas(lab: Lab, side: tuple[str, ...], known: tuple[str, ...]) -> tuple[Formula, ...]:
    """The formulas of the dictionary that a side may have in this layout."""
    if side is DATA_SIDE:
        classes = tuple(categorical(lab.binding.name_of("recon"))) if "x" in known else ()
        return likelihoods(*known) + classes + given_likelihoods(*known)
    if {"log_pz", "log_q"} & set(known):
        return given_divergences(*known, *(role for role in ("log_joint",) if role in lab.binding.roles))
    if lab.binding.layout.matrix:  # a loss that takes a covariance also takes a factor, so both formulas are tried
        return tuple(map(of_all_latents, ("cholesky", "covariance")))
    own = divergences(*known)
    if "log_det" in lab.binding.roles:  # without the determinant that it is given, the divergence lacks it
        own = tuple(one for one in own if "z_last" not in one.roles or "log_det" in one.roles)
    return own


def match_edited(
    lab: Lab,
    side: tuple[str, ...],
    seen: Observed,
    roles: Iterable[str],
    offset: float = np.nan,
    beside: float | None = None,
) -> Match | None:
    """A dictionary formula under one edit that fits one side; None if none fits.

    Of several that fit, the first by this order is taken: its constant is the observed one; its coefficient is that of
    the other term; its coefficient is ±1; it reads the scale kind that the argument's name states.

    Args:
        lab, side, seen, roles: as in `match`.
        offset: the loss without this side at the first draw of `seen`; NaN if unknown.
        beside: the coefficient of the other term; None if unknown.
    """
    known = tuple(sorted(set(roles) & set(side)))
    formulas = _formulas(lab, side, known)
    plain = [f for f in formulas if "epsilon" not in (f.detail or "") and "sd +" not in (f.detail or "")]
    stated = stated_kind(lab.binding.name_of("recon_scale" if side is DATA_SIDE else "scale"))
    found: list[tuple[tuple[float, bool, bool, bool], Match]] = []
    for formula in plain:
        _, without, _ = fit(lab, Term(formula), seen)
        given = (formula.detail or "").endswith(GIVEN)
        plain_edits = edits_of_given(formula) if given else edits(formula)
        for edited in (*plain_edits, *sigmoid_twice(formula), *of_densities(formula)):
            scale, residual, allowed = fit(lab, Term(edited.formula), seen)
            if residual <= allowed and scale:
                term = Term(edited.formula)
                constant = seen.values[0] - scale * term.value(seen.draws[0], lab.binding.layout) - offset
                left = round(abs(constant), 6) if np.isfinite(constant) else 0.0
                alike = beside is not None and near(scale, beside, 1e-6)
                rank = (left, not alike, not near(abs(scale), 1.0, 1e-6), formula.kind != stated)
                found.append((rank, Match(term, scale, residual, allowed, edited=edited, without=without)))
    if not found:
        return None
    rank, best = min(found, key=lambda pair: pair[0])
    others = [one for at, one in found if at[:3] == rank[:3] and one.term.formula.kind != best.term.formula.kind]
    return replace(best, other=others[0]) if others and best.term.formula.kind == stated else best


def of_densities(formula: Formula) -> Iterator[Edited]:
    """Edits of a divergence that are of a whole density."""
    yield from reversed_divergence(formula)
    yield from added_density(formula)


def match_huber(lab: Lab, seen: Observed) -> Match | None:
    """A Huber loss: δ is the slope far from the target, where it is constant, over the curvature at the target."""
    base = seen.draws[0]
    spot = (0,) * base["recon"].ndim

    def along(distance: float) -> float:
        recon = base["recon"].copy()
        recon[spot] = base["x"][spot[-base["x"].ndim :]] + distance
        return lab.value({**base, "recon": recon})

    try:
        near, nearer, far, farther, farthest = (along(d) for d in (1e-2, 0.0, 1e3, 2e3, 4e3))
    except LossFailed:
        return None
    curvature, slope = 2 * (near - nearer) / 1e-4, (farther - far) / 1e3
    if curvature == 0 or slope == 0 or abs((farthest - farther) / 2e3 - slope) > 1e-6 * abs(slope):
        return None  # the slope far from the target is not constant
    delta = slope / curvature
    term = Term(huber(float(f"{delta:.6g}")))
    wide = observe_wide(lab, seen)
    scale, residual, allowed = fit(lab, term, wide)
    return Match(term, scale, residual, allowed) if residual <= allowed else None


def observe_wide(lab: Lab, seen: Observed) -> Observed:
    """The same draws with the reconstruction up to 9 away from the data."""
    random = np.random.default_rng(7)
    draws: list[Values] = [
        {**values, "recon": values["x"] + random.uniform(-9, 9, values["recon"].shape)} for values in seen.draws
    ]
    kept, values = [], []
    for one in draws:
        try:
            value = lab.value(one)
        except LossFailed:
            continue
        if np.isfinite(value):
            kept.append(one)
            values.append(value)
    return Observed(kept, np.array(values))


def _pair(side: tuple[str, ...]) -> tuple[str, str]:
    """The two roles of a side that a loss may take in the wrong order."""
    return ("recon", "x") if side is DATA_SIDE else ("mu", "scale")


def _swapped(seen: Observed, side: tuple[str, ...]) -> Observed | None:
    """The draws with the two roles of `_pair` exchanged; None if their shapes differ."""
    one, two = _pair(side)
    if any(one not in v or two not in v or v[one].shape != v[two].shape for v in seen.draws[:1]):
        return None
    return Observed([{**v, one: v[two], two: v[one]} for v in seen.draws], seen.values)


def neutral(lab: Lab, kind: str, values: Mapping[str, Array]) -> Values:
    """The values with a posterior equal to the standard normal prior, for a scale of this kind."""
    fixed = dict(values)
    for role in LATENT_SIDE:
        if role in fixed:
            is_scale = role in ("scale", "prior_scale")
            value = np.eye(fixed[role].shape[-1]) if is_scale and lab.binding.layout.matrix else NEUTRAL[kind]
            fixed[role] = np.zeros_like(fixed[role]) + (value if is_scale else 0.0)
    return fixed
