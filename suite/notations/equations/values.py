"""The numbers behind the symbols of a formula: the definition's tensors at draws of z, and expectations by quadrature.

At one latent an expectation over q(z|x) is a sum over a grid of the noise: the trapezoid rule, whose error falls
exponentially for what decays like a normal density, and is below rounding on this grid. Of several latents only what
the given draws decide can be computed: an expectation is the mean over them, the same on both sides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from ...reference import oracle
from ...reference.arithmetic import Array
from ...reference.node import BATCH, LATENT, SAMPLE, Node, Nodes
from ...reference.problem import Problem
from ...reference.spec import Spec
from ...reference.tape import Tape, stack
from ...reference.tensors import TENSORS
from ...reference.weights import weight_shapes
from .. import constants
from ..canonical import objective_factor, sizes_by_role
from ..notation import Objective

if TYPE_CHECKING:
    from .expressions import Expression

#: The grid of the noise: half its width, and its step; and the step of the coarser one for pairs of draws.
REACH, STEP, STEP_OF_PAIRS = 12.0, 0.125, 0.3125
#: log of a density → what is added and taken away of the canonical tensors at single draws.
_LOG_DENSITIES = {
    "likelihood": ("log_likelihood",),
    "prior": ("log_prior",),
    "approximate_posterior": ("log_posterior",),
    "joint": ("elbo_monte_carlo", "log_posterior"),
}


class Miscounted(ValueError):
    """A sum whose printed upper limit is not the number of its terms."""


@dataclass(frozen=True)
class Quadrature:
    """The tensors at the nodes of a grid, [node, datum, ...], and the logarithm of their weights [node, 1]."""

    points: Nodes
    log_weights: Node


@dataclass(frozen=True)
class Values:
    """The values from which formulas are computed.

    Attributes:
        problem: data, noise and weights; where the decoder's weights have a posterior all draws share one draw of them.
        tape: the tape that computes all values, in its arithmetic.
        weights: canonical weights on the tape.
        published: the source's objective.
        data_count: N.
        points: canonical tensors at single draws, [draw, datum, component]; x without draws.
        averaged: the tensors averaged over all draws, as in the definition.
        quadrature: None where there are several latents.
        in_expectation: whether a mean over draws is its expectation.
    """

    problem: Problem
    tape: Tape
    weights: Nodes
    published: Objective
    data_count: int
    points: Nodes
    averaged: Nodes
    quadrature: Quadrature | None = None
    in_expectation: bool = False

    @property
    def spec(self) -> Spec:
        return self.problem.spec

    @property
    def data(self) -> int:
        """The number of data in the batch."""
        return len(self.problem.x)

    def number(self, value: float) -> Node:
        return self.tape.input(value)

    def size(self, role: str) -> Node:
        """A constant of the model or of the data."""
        sizes = sizes_by_role(self.problem, self.data_count)
        if role not in sizes:
            raise ValueError(f"the model has no {role}")
        return self.tape.input(sizes[role])

    def constants(self, dropped: Iterable[constants.Constant]) -> Node:
        """The sum of the constants that a source omits, per datum."""
        return self.tape.input(constants.value(dropped, self.spec))

    def require_terms(self, limit: Node, terms: int) -> None:
        """Raises Miscounted where a sum of so many terms is printed with another limit."""
        if abs(limit.value.flat[0] - terms) > 0.5:
            raise Miscounted(f"a sum of {terms} terms is printed up to {limit.value.flat[0]:g}")

    def log_density(self, role: str) -> Node:
        """[draw, datum], or [datum] of p(x)."""
        if role == "marginal":
            return self.log_marginal()
        if role == "posterior":
            return self.log_density("joint") - self.log_integral(lambda at: at.log_density("joint"))
        return reduce(add, [self.points[name] for name in _LOG_DENSITIES[role]])

    def log_marginal(self) -> Node:
        """log p(x) [datum]: of the importance weights p(x,z)/q(z|x) over the noise."""
        return self._log_expected(lambda at: at.points["elbo_monte_carlo"])

    def quantity(self, role: str, *, estimate: bool = False) -> Node:
        """A term or a bound [datum]: its expectation; of an estimate that over the given draws, and no draws enter KL.

        Of several latents both are over the given draws.
        """
        if role in ("kl", "weight_kl"):
            return self.points[role]
        if role == "log_marginal":
            return self.log_marginal()
        name = "elbo" if role == "exact_bound" else role
        if self.quadrature is None or (estimate and not self.in_expectation):
            return self.averaged[name]
        if name == "iwae":
            return self.expected_over_sets(None)
        return self.expected(lambda at: at.points[name])

    def objective(self, *, estimate: bool) -> Node:
        """The published objective of the batch []."""
        stated = self.published
        bound = f"weighted_{stated.bound}" if stated.beta == "beta" else stated.bound
        total = (self.quantity(bound, estimate=estimate) - self.constants(stated.dropped)).sum(BATCH)
        if "weight_kl" in self.points:
            total = total - self.points["weight_kl"] * (self.data / self.data_count)
        return objective_factor(stated, self.spec, self.data, self.data_count) * total

    def over_draws(self, function: Callable[[Values], Node]) -> Node:
        """The mean over the given draws, or over all that could be."""
        return self.expected(function) if self.in_expectation else function(self).mean(SAMPLE)

    def log_over_draws(self, function: Callable[[Values], Node]) -> Node:
        """log of the mean over draws, of the logarithm of what is averaged."""
        if self.in_expectation:
            return self._log_expected(function)
        logs = function(self)
        return logs.logsumexp(SAMPLE) - self.number(math.log(logs.shape[SAMPLE]))

    def expected(self, function: Callable[[Values], Node]) -> Node:
        """E over q(z|x) [datum]."""
        if self.quadrature is None:
            return function(self).mean(SAMPLE)
        return (function(self._on_grid()) * self.quadrature.log_weights.exp()).sum(SAMPLE)

    def _log_expected(self, function: Callable[[Values], Node]) -> Node:
        if self.quadrature is None:
            raise ValueError("an expectation of what draws do not decide needs one latent")
        return (function(self._on_grid()) + self.quadrature.log_weights).logsumexp(SAMPLE)

    def _on_grid(self) -> Values:
        assert self.quadrature
        return replace(self, points=self.quadrature.points)

    def log_integral(self, function: Callable[[Values], Node]) -> Node:
        """log ∫ dz [datum], of the logarithm of what is integrated: the trapezoid rule over z itself."""
        at = self._on_grid()
        z = at.points["latent"]
        step = (z[z.shape[SAMPLE] - 1] - z[0]).sum(LATENT) / (z.shape[SAMPLE] - 1)
        return (function(at) + step.log()).logsumexp(SAMPLE)

    def expected_over_sets(self, body: Expression | None) -> Node:
        """E over pairs of independent draws [datum]: of a body, or of the definition's log-mean of weights."""
        sets, weights = self._pairs
        value = sets.averaged["iwae"] if body is None else body.value(sets)
        return (value.reshape(-1, self.data) * weights).sum(SAMPLE)

    @cached_property
    def _pairs(self) -> tuple[Values, Node]:
        """Each pair of nodes of the coarser grid as two draws of a datum of its own, and the pairs' weights."""
        grid, log_weights = grid_of(STEP_OF_PAIRS)
        first, second = (pair.ravel() for pair in np.meshgrid(grid, grid, indexing="ij"))
        weights = np.exp(np.add.outer(log_weights, log_weights)).reshape(-1, 1)
        noise = np.repeat(np.stack([first, second]), self.data, axis=1)[..., None]
        problem = replace(self.problem, noise=noise, x=np.tile(self.problem.x, (len(first), 1)))
        return values_at(problem, self.tape, self.weights, self.published, self.data_count), self.tape.input(weights)

    def gradient(self, function: Callable[[Values], Node], names: Iterable[str]) -> Node:
        """∇ of the sum over the data with respect to these weights, one after the other in one vector."""
        output = function(self).sum(BATCH)
        adjoints = self.tape.backward(output, [self.weights[name] for name in names])
        flat = [adjoint.reshape(len(adjoint), -1) for adjoint in adjoints]
        return Node(self.tape, np.concatenate(flat, axis=1))


def grid_of(step: float) -> tuple[Array, Array]:
    """The nodes of a standard normal expectation, and the logarithms of their weights."""
    count = round(REACH / step)
    grid = np.linspace(-count * step, count * step, 2 * count + 1)
    return grid, -0.5 * (grid**2 + math.log(2 * math.pi)) + math.log(step)


def values_of(problem: Problem, tape: Tape, published: Objective, data_count: int, *, gradients: bool) -> Values:
    """All values of a problem on a tape, with a quadrature where it has one latent."""
    names = weight_shapes(problem.spec)
    weights = {name: tape.input(problem.weights[name], wanted=gradients) for name in names}
    found = values_at(problem, tape, weights, published, data_count)
    if problem.spec.latent_dim > 1:
        return found
    grid, log_weights = grid_of(STEP)
    noise = np.repeat(grid[:, None], found.data, axis=1)[..., None]
    points = values_at(replace(problem, noise=noise), tape, weights, published, data_count, averaged=False).points
    return replace(found, quadrature=Quadrature(points, tape.input(log_weights[:, None])))


def values_at(
    problem: Problem, tape: Tape, weights: Nodes, published: Objective, data_count: int, *, averaged: bool = True
) -> Values:
    """The tensors at each draw of the problem's noise, as though it was a datum's only one, and those over all."""
    spec, (draws, data, _) = problem.spec, problem.noise.shape
    x, noise = tape.input(problem.x), tape.input(problem.noise)
    drawn = {name: tape.input(values[0]) for name, values in problem.weight_noise.items()}

    def repeated(node: Node) -> Node:
        return stack([node] * draws).reshape(draws * data, *node.shape[1:])

    of_data = {name: repeated(node) if name.startswith("posterior.") else node for name, node in weights.items()}
    single = {name: stack([node]) for name, node in drawn.items()}
    rows = noise.reshape(1, draws * data, spec.latent_dim)
    with np.errstate(over="ignore", under="ignore"):
        found = oracle.terms(spec, repeated(x), rows, single, of_data, "elbo")
        means = {}
        if averaged:
            same = {name: stack([node] * draws) for name, node in drawn.items()}
            means = oracle.terms(spec, x, noise, same, weights, "elbo")
    points = {name: _by_draw(name, node, draws, data) for name, node in found.items()}
    points |= {"data": x, "noise": noise}
    return Values(problem, tape, weights, published, data_count, points, means)


def _by_draw(name: str, node: Node, draws: int, data: int) -> Node:
    """[1, draw · datum, ...] or [draw · datum, ...] → [draw, datum, ...]; what no datum has stays."""
    axes = TENSORS.get(name, ())
    if "batch" not in axes:
        return node
    return node.reshape(draws, data, *node.shape[axes.index("batch") + 1 :])
