"""What did the experiments show? They run here in their order, and `Investigation` collects the results unjudged."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..reference.errors import BadInput
from .answer import Experiment, Limit, Threshold
from .binding import DENSITIES
from .experiments.additivity import Additivity, additivity
from .experiments.arguments import Dependences
from .experiments.bind import bind, fixed_sizes, integers, slots_of
from .experiments.clamps import clamps
from .experiments.densities import explained
from .experiments.draws import settled, varying
from .experiments.element import Match, Observed, match, match_edited, match_huber, observe
from .experiments.families import is_root_of_squares, other_prior, sharp_log_cosh, weighted_bernoulli
from .experiments.fixed import of_fixed_scale, of_numbers
from .experiments.importance import Weighted, weighted
from .experiments.late import late_in_training, with_nonzero_weights
from .experiments.masks import Masked, masked, where_all_is_kept
from .experiments.outer import Outer, outer
from .experiments.parts import Apart, apart
from .experiments.reductions import Coefficients
from .experiments.separable import is_separable, ties_examples
from .experiments.slopes import Slopes, slopes
from .experiments.state import DATA_SIDE, LATENT_SIDE, Dependence, dependence
from .experiments.thresholds import Bent, bent, ceiling, straight
from .expressions import Monomial
from .lab import Called, Lab
from .scales import by_role, parted, scales
from .terms import Term, in_names


@dataclass
class Investigation:
    """The results, experiment by experiment; None for an experiment that did not run or showed nothing.

    Attributes:
        state: determinism, and the roles that the loss depends on.
        lab: the bound loss, with roles as the experiments corrected them.
        additive: whether the loss is a function of the data plus a function of the posterior.
        recon, kl: the formulas of the data term and of the KL.
        bent: the KL with a threshold, in place of `kl`.
        outer: a function of the whole squared error, in place of `recon`.
        separable: whether a data term without a known formula is a sum over observed values.
        examples_tied: whether a term without a known formula couples the examples of a batch.
        weighted: the two terms in the importance weights of several draws.
        masked: how a mask enters.
        slopes: gradients compared with slopes of the value.
        at_base: the coefficients at the first sizes and arguments.
        sizes: quantity → exponent of each axis; None for a quantity that is no product of powers.
        crooked: whether the KL's formula fits near the prior only, and no threshold explains that.
        fixed_axes: axes whose size could not be changed.
        written: integers in the loss's source, or in globals that it reads, which may be sizes.
        drawn: whether the loss draws random values itself; they are the same in every call.
        varying: the terms whose coefficient changes with these values.
        constants: the constant as a sum of monomials in the sizes; empty for 0.
        arguments: the coefficients as functions of the arguments.
    """

    state: Dependence
    lab: Lab
    additive: Additivity | None = None
    recon: Match | None = None
    kl: Match | None = None
    bent: Bent | None = None
    outer: Outer | None = None
    separable: bool = False
    examples_tied: bool = False
    weighted: Weighted | None = None
    masked: Masked | None = None
    slopes: Slopes | None = None
    at_base: Coefficients | None = None
    sizes: dict[str, Any] = field(default_factory=dict)
    apart: Apart | None = None
    crooked: bool = False
    fixed_axes: tuple[str, ...] = ()
    written: tuple[int, ...] = ()
    drawn: bool = False
    varying: tuple[str, ...] = ()
    constants: list[Monomial] | None = None
    arguments: Dependences = field(default_factory=Dependences)
    experiments: list[Experiment] = field(default_factory=list)
    undetermined: list[str] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)
    clamps: list[Threshold] = field(default_factory=list)

    def note(self, name: str, shows: str, calls: int, residual: float | None, sizes: list[str] | None = None) -> None:
        """Add an experiment to the answer, at the sizes of the lab if no others are given."""
        known = residual if residual is not None and math.isfinite(residual) else None
        self.experiments.append(Experiment(name, shows, sizes or [self.lab.shown_sizes], calls, known))

    @property
    def refused(self) -> bool:
        """Whether the experiments end with `state`, since two calls differ or the value is not finite."""
        return not self.state.deterministic or not self.state.finite

    @property
    def unexplained_roles(self) -> frozenset[str]:
        """The roles in no identified term; the other terms are fitted while the values of these are fixed."""
        sides = ((DATA_SIDE, self.recon_term), (LATENT_SIDE, self.kl_term))
        unknown = (role for side, term in sides if term is None for role in side if role in self.state.roles)
        return self.lab.fixed_roles | frozenset(unknown)

    @property
    def recon_term(self) -> Term | None:
        """The data term, if it is identified."""
        return self.recon.term if self.recon else None

    @property
    def kl_term(self) -> Term | None:
        """The KL, with its threshold if it has one, if it is identified."""
        return self.bent.term if self.bent else self.kl.term if self.kl else None


def investigate(
    loss: Called, function: Callable[..., Any], source: str, arguments: Mapping[str, str], parameters: Mapping[str, Any]
) -> Investigation:
    """Bind a loss and run all experiments.

    Args:
        loss: the user's loss, on NumPy values.
        function: the loss as it was imported, for its signature and docstring.
        source: its source text; empty if there is none.
        arguments: argument → role, as the user gave them.
        parameters: argument → value, as the user gave them.

    Raises:
        BadInput: the loss cannot be called.
    """
    slots = slots_of(function, arguments, parameters)
    text = f"{function.__doc__ or ''}\n{source}"
    if any(slot.role in DENSITIES for slot in slots):
        return explained(loss, slots, text, parameters, examine)
    errors: list[BadInput] = []
    for limits in fixed_sizes(source):
        try:
            lab = bind(loss, slots, text, limits)
            break
        except BadInput as refused:
            errors.append(refused)
    else:
        raise errors[0]
    found = examine(lab, parameters)
    if of_fixed_scale(found.recon, slots, text) and "recon_scale" not in arguments.values():
        found = of_numbers(found, lambda numbers: examine(bind(loss, numbers, text, {}), parameters), slots)
    found.written = integers(function, source)
    return found


def examine(lab: Lab, parameters: Mapping[str, Any]) -> Investigation:
    """Run all experiments but the binding.

    Args:
        lab: the bound loss, at its first sizes.
        parameters: argument → value, as the user gave them.
    """
    state, drawn = settled(late_in_training(lab, parameters))
    if set(state.lab.binding.roles) - set(state.roles):  # a weight whose default is 0 hides a term
        weighted_state = dependence(with_nonzero_weights(state.lab, parameters))
        state = weighted_state if len(weighted_state.roles) > len(state.roles) else state
    found = Investigation(state, state.lab, drawn=drawn)
    found.note("binding", f"called with {', '.join(lab.binding.roles)}", lab.calls[0], None)
    found.note("dependence", f"the total depends on {', '.join(state.roles)}", state.calls, None)
    if found.refused:
        no_number = "the value is infinite or NaN at finite arguments"
        why = no_number if state.deterministic else "two calls with the same arguments differ"
        found.undetermined.append(f"everything: {why}")
        return found
    if found.drawn:
        found.note("draws", "the loss draws random values; they are the same in every call", state.calls, None)
    _sides(found)
    if found.drawn:
        found.varying = varying(
            replace(found.lab, fixed_roles=found.unexplained_roles), found.recon_term, found.kl_term
        )
        if "recon" in found.varying:
            found.recon = None
        if "kl" in found.varying:
            found.kl = found.bent = None
    if found.recon is not None or found.kl_term is not None:
        scales(found)
        found.constants = None if found.drawn else found.constants
        before = found.lab.calls[0]
        bend = found.bent.term.bend if found.bent is not None else None
        topped = bend is not None and bend.kind == "ceiling"  # above it, no argument of the KL changes the value
        found.clamps = clamps(found.lab, [role for role in state.roles if not topped or role in DATA_SIDE])
        if found.clamps:
            places = ", ".join(f"{one.argument} = {one.at}" for one in found.clamps)
            found.note("clamps", f"the value rests beyond {places}", found.lab.calls[0] - before, None)
    found.slopes = slopes(found.lab, by_role(found))
    if found.slopes is not None:
        found.note("slopes", found.slopes.shows, found.slopes.calls, found.slopes.residual)
        if found.slopes.failed:
            found.undetermined.append(f"the gradients: taking them raised {found.slopes.failed}")
    return found


def _sides(found: Investigation) -> None:
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
    if found.recon is not None and found.kl is not None and parted(found, found.recon.scale, found.kl.scale):
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
            found.crooked = found.bent is None
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
