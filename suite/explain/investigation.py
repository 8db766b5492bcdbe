"""What did the experiments show? They run here in their order, and `Investigation` collects the results unjudged."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from .answer import Experiment, Limit, Threshold
from .experiments.additivity import Additivity
from .experiments.arguments import Dependences
from .experiments.element import Match
from .experiments.importance import Weighted
from .experiments.masks import Masked
from .experiments.outer import Outer
from .experiments.parts import Apart
from .experiments.reductions import Coefficients
from .experiments.slopes import Slopes
from .experiments.state import DATA_SIDE, LATENT_SIDE, Dependence
from .experiments.thresholds import Bent
from .expressions import Monomial
from .lab import Lab
from .terms import Term


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
        near_prior_only: whether the KL's formula fits near the prior only, and no threshold explains that.
        fixed_axes: axes whose size could not be changed.
        source_integers: integers in the loss's source, or in globals that it reads, which may be sizes.
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
    near_prior_only: bool = False
    fixed_axes: tuple[str, ...] = ()
    source_integers: tuple[int, ...] = ()
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
