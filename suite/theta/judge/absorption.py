"""Absorption: an affine change of the latent moves θ_prior into θ_lik and leaves what can be observed as it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..cases import Case, block_of
from ..models import ROWS
from .statement import Statement, number
from .truth import Tensors, Truth

KEPT = ("p(x|z)", "p(x)", "ELBO")
"""Rows that the change of variable leaves as they are; densities of z change by its Jacobian."""
KEY = "base/0"


@dataclass(frozen=True)
class Absorption:
    """One case before and after.

    Attributes:
        before, after: row → value in nats, in the truth and in each backend.
        tolerances: row → the sum of both tolerances.
        prior_numbers: how many numbers θ_prior has before; it has none after.
        moved: norm of the change of θ_lik.
    """

    case: str
    before: Mapping[str, Mapping[str, float]]
    after: Mapping[str, Mapping[str, float]]
    tolerances: Mapping[str, float]
    prior_numbers: int
    moved: float

    @property
    def worst(self) -> float:
        """The largest change of a row that has to stay, in any backend, in nats."""
        return max(abs(self.before[row][s] - self.after[row][s]) for row in KEPT for s in self.before[row])

    @property
    def holds(self) -> bool:
        return self.moved > 0 and all(
            abs(self.before[row][source] - self.after[row][source]) <= self.tolerances[row]
            for row in KEPT
            for source in self.before[row]
        )


def absorption(case: Case, moved: Case, truth: Truth, sources: Mapping[str, Tensors]) -> Absorption:
    """Compare a case with the one that `cases.absorbed` made of it."""

    def values(name: str) -> dict[str, dict[str, float]]:
        return {
            row: {source: float(t[f"{name}/{KEY}/value"][ROWS.index(row)]) for source, t in sources.items()}
            for row in KEPT
        }

    tolerances = {row: sum(truth.value(name, KEY, row)[1] for name in (case.name, moved.name)) for row in KEPT}
    blocks = [name for name in moved.weights if block_of(name) in moved.likelihood]
    change = np.sqrt(sum(float(((moved.weights[name] - case.weights[name]) ** 2).sum()) for name in blocks))
    numbers = sum(weight.size for name, weight in case.weights.items() if block_of(name) in case.prior)
    return Absorption(case.name, values(case.name), values(moved.name), tolerances, numbers, float(change))


def absorption_statement(case: Case, found: Absorption) -> Statement:
    first = next(iter(found.before["ELBO"]))
    sentence = (
        f"With z = As + m the {found.prior_numbers} numbers of θ_prior become none, θ_lik moves by "
        f"{number(found.moved)}, and the ELBO stays: {found.before['ELBO'][first]:.12g} before, "
        f"{found.after['ELBO'][first]:.12g} after (p(x|z), p(x) and ELBO change by {number(found.worst)} nats at "
        f"most). So the data cannot tell the two blocks apart, although they enter different factors."
    )
    return Statement("absorption", case.title, sentence, found.holds)
