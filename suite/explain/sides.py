"""Experiments 4 to 6 and 8: which formulas are the data term and the KL?"""

from __future__ import annotations

import math
from dataclasses import replace

from .experiments.additivity import additivity
from .experiments.element import Observed, match, match_edited, match_huber, observe
from .experiments.families import is_root_of_squares, other_prior, sharp_log_cosh, weighted_bernoulli
from .experiments.importance import weighted
from .experiments.masks import masked, where_all_is_kept
from .experiments.outer import outer
from .experiments.parts import apart
from .experiments.separable import is_separable, ties_examples
from .experiments.state import DATA_SIDE, LATENT_SIDE
from .experiments.thresholds import bent, ceiling, straight
from .investigation import Investigation
from .scales import weights_differ
from .terms import in_names


def sides(found: Investigation) -> None:
    """Experiments 4 to 6 and 8: whether the loss is a sum of two terms, and which formulas they are."""
    lab, roles = found.lab, found.state.roles
    sides = [any(role in side for role in roles) for side in (DATA_SIDE, LATENT_SIDE)]
    if all(sides):
        found.additive = additivity(lab)
        shown = "enter as a sum" if found.additive.holds else "do not enter as a sum"
        found.note("additivity", f"data and posterior {shown}", found.additive.calls, found.additive.residual)
        if not found.additive.holds and "mask" in roles and (whole := where_all_is_kept(lab)) is not None:
            found.lab, found.additive = whole
            lab, found.state = found.lab, replace(found.state, roles=tuple(r for r in roles if r != "mask"))
            name = lab.binding.name_of("mask")
            found.undetermined.append(f"what `{name}` leaves out: both terms depend on it, and it was held at all kept")
        if not found.additive.holds:
            _of_several_draws(found)
            return
    if sides[0]:
        _data_side(found)
    if sides[1]:
        _latent_side(found)
    if found.recon is not None and found.kl is not None and weights_differ(found, found.recon.scale, found.kl.scale):
        found.kl = None
    terms = {"recon": found.recon_term, "mu": found.kl_term, "z": found.kl_term}
    unknown = [role for role, term in terms.items() if term is None]
    found.examples_tied = found.outer is None and any(ties_examples(found.lab, role) for role in unknown)
    recon, kl = found.recon, found.kl
    if recon is not None and recon.edited is not None and not recon.swapped and kl is not None and kl.edited is None:
        seen = observe(found.lab, DATA_SIDE)
        found.recon = match_edited(found.lab, DATA_SIDE, seen, lab.binding.roles, beside=kl.scale) or recon


def _of_several_draws(found: Investigation) -> None:
    """The terms in the importance weights of several draws, if the loss is the log of their mean."""
    before = found.lab.calls[0]
    found.weighted = weighted(found.lab, found.state.roles)
    if found.weighted is not None:
        found.recon, found.kl = found.weighted.recon, found.weighted.kl
        shows = "the logarithm of the mean over k draws of importance weights"
        found.note("draws of z", shows, found.lab.calls[0] - before, found.recon.residual)


def _data_side(found: Investigation) -> None:
    """The formula of the data term, or what else is known of it."""
    lab, before = found.lab, found.lab.calls[0]
    if "mask" in found.state.roles:
        found.masked = masked(lab)
        if found.masked is not None and not found.masked.keeps:
            found.lab = lab = lab.inverted("mask")
        if found.masked is not None:
            counts = "do not count" if found.masked.normalised else "count"
            found.note(
                "mask", f"masked entries {counts} in the denominator", lab.calls[0] - before, found.masked.residual
            )
    seen = observe(lab, DATA_SIDE)
    per_kept = found.masked.normalised if found.masked is not None else ""
    found.recon = match(lab, DATA_SIDE, seen, found.state.roles, per_kept=per_kept)
    if found.recon is not None and found.recon.swapped and not lab.binding.says("recon", "x"):
        found.lab = lab = lab.exchanged("recon", "x")
        seen = observe(lab, DATA_SIDE)
        found.recon = match(lab, DATA_SIDE, seen, found.state.roles, per_kept=per_kept)
    if not lab.binding.layout.classes:
        _data_side_of_numbers(found, seen)
    found.separable = found.recon is None and found.outer is None and is_separable(lab)
    if found.recon is not None:
        shows = f"the data term is {in_names(found.recon.term, lab.binding)}"
        found.note("element of the data term", shows, lab.calls[0] - before, found.recon.residual)


def _data_side_of_numbers(found: Investigation, seen: Observed) -> None:
    """The data term of numbers, as opposed to classes, if no formula of the dictionary fits as it stands."""
    lab = found.lab
    if found.recon is not None and found.recon.term.formula.name in ("squared-error", "bernoulli-probabilities"):
        kinked = match_huber(lab, seen) if found.recon.term.formula.name == "squared-error" else None
        found.recon = kinked or found.recon
    if found.recon is None:
        found.recon = match_huber(lab, seen)
    if found.recon is None:
        found.recon = weighted_bernoulli(lab, seen) or sharp_log_cosh(lab, seen)
    if found.recon is None:
        found.outer = outer(lab, seen)
    if found.recon is None and found.outer is None:
        found.recon = match_edited(lab, DATA_SIDE, seen, lab.binding.roles)
    if found.recon is None and found.outer is None and is_root_of_squares(lab, seen):
        found.undetermined.append("the data term is a root of each example's squared error, which is no log likelihood")
    if found.recon is None and found.outer is None and "x" in found.state.roles:
        _beside_the_data(found)


def _beside_the_data(found: Investigation) -> None:
    """A likelihood beside a function of x alone, such as its entropy: it fits while x is the same in all draws."""
    lab = replace(found.lab, fixed_roles=frozenset({"x"}))
    beside = match(lab, DATA_SIDE, observe(lab, DATA_SIDE), found.state.roles)
    if beside is not None and not beside.swapped:
        found.recon, found.lab = beside, lab


def _latent_side(found: Investigation) -> None:
    """The formula of the KL, with a threshold if it has one."""
    lab, before = found.lab, found.lab.calls[0]
    seen = observe(lab, LATENT_SIDE)
    found.kl = match(lab, LATENT_SIDE, seen, found.state.roles)
    if found.kl is not None and found.kl.swapped and not lab.binding.says("mu", "scale"):
        found.lab = lab = lab.exchanged("mu", "scale")
        seen = observe(lab, LATENT_SIDE)
        found.kl = match(lab, LATENT_SIDE, seen, found.state.roles)
    analytic = found.kl is not None and found.kl.term.formula.name == "analytic" and not found.kl.swapped
    both = "mu" in found.state.roles and "scale" in found.state.roles
    if both and (found.kl is None or (analytic and not straight(lab, found.kl.term, found.kl.scale))):
        found.bent = bent(lab, found.state.roles)
        if found.bent is None and found.kl is not None:
            found.bent = ceiling(lab, found.kl.term.formula, found.kl.scale)
            found.near_prior_only = found.bent is None
        if found.bent is not None:
            found.kl = None
            bend = found.bent.term.bend
            assert bend is not None
            found.note(
                "threshold scan",
                f"the KL has a {bend.kind} per {bend.per} at {bend.at:.6g} nats",
                lab.calls[0] - before,
                found.bent.residual,
            )
    if found.kl is None and found.bent is None:
        offset = math.nan
        if found.recon is not None and found.recon.edited is None:
            offset = found.recon.scale * found.recon.term.value(seen.draws[0], lab.binding.layout)
        elif found.recon is None and found.outer is None:
            offset = 0.0
        beside = None if found.recon is None or found.recon.edited is not None else found.recon.scale
        found.apart = apart(lab, seen, offset) if both else None
        if found.apart is None:
            found.kl = other_prior(lab, seen, offset)
            found.kl = found.kl or match_edited(lab, LATENT_SIDE, seen, lab.binding.roles, offset, beside)
        if found.kl is not None and found.kl.lacks_mean and "mu" in found.state.roles:
            found.kl = None  # the loss normalises the means, so that the sum of their squares is a constant
    if found.kl is not None:
        formula = found.kl.term.formula
        found.note(
            "scale kind",
            f"the divergence is {formula.name}, of a scale that is {formula.kind}",
            lab.calls[0] - before,
            found.kl.residual,
        )
    elif found.apart is not None:
        found.note("parts of the KL", "one part is reduced over other axes", lab.calls[0] - before, None)
