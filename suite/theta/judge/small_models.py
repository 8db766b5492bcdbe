"""What the small models show: which weights each distribution reads, one joint or none, and absorption.

The joint: the four factors belong to one θ, and say so by a residual that is zero only then. Absorption: an affine
change of the latent moves θ_prior into θ_lik and leaves what can be observed as it was.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...reference.truth import Truth
from ..cases import BASE, POINTS, Case, all_data, block_of, variants
from ..expected import Tensors
from ..models import ROWS
from .statement import Statement, number

FACTORS = {"p(x|z)": 1, "p(z)": 1, "p(x)": -1, "p(z|x)": -1}
"""Factor → its sign in log p_a(x|z) + log p_b(z) − log p_c(x) − log p_d(z|x)."""
NOTHING = "nothing"
KEPT = ("p(x|z)", "p(x)", "ELBO")
"""Rows that absorption leaves as they are; densities of z change by its Jacobian."""


@dataclass(frozen=True)
class Entry:
    """One cell of one case's table.

    Attributes:
        row, weight, block: which distribution, which weight tensor, and which block that is of.
        reads: whether the distribution reads the weight by its definition.
        holds: not zero where the distribution reads the weight, and zero, not merely small, where it does not.
        norm: the norm of the gradient (nats per unit of the weight) in the reference and in each backend.
    """

    case: str
    row: str
    weight: str
    block: str
    reads: bool
    holds: bool
    norm: Mapping[str, float]


def dependency_table(case: Case, sources: Mapping[str, Tensors]) -> list[Entry]:
    """Row by row, the weights in the order of data flow.

    Args:
        case: the case of the table.
        sources: the tensors of the reference and of each backend, by name.
    """
    depends = case.depends()
    entries = []
    for row in ROWS:
        for weight in case.weights:
            key = f"{case.name}/{BASE}/gradient/{weight}/{row}"
            norm = {source: float(np.linalg.norm(tensors[key])) for source, tensors in sources.items()}
            reads = block_of(weight) in depends[row]
            holds = all(np.isfinite(value) and (value != 0) == reads for value in norm.values())
            entries.append(Entry(case.name, row, weight, block_of(weight), reads, holds, norm))
    return entries


def dependency_statement(case: Case, entries: Sequence[Entry], source: str) -> Statement:
    """The result of a case's table, in one sentence."""

    def of(row: str) -> str:
        blocks = dict.fromkeys((*case.theta, *case.recognition))
        norms = {b: math.hypot(*(e.norm[source] for e in entries if (e.row, e.block) == (row, b))) for b in blocks}
        return ", ".join(f"{block} {number(norm)}" for block, norm in norms.items())

    broken = [entry for entry in entries if not entry.holds]
    zeros = sum(not entry.reads for entry in entries)
    prior = " and ".join(case.prior) or "no weight at all (θ_prior is empty)"
    sentence = (
        f"p(z) reads {prior} [{of('p(z)')}]; p(x|z) reads {' and '.join(case.likelihood)} [{of('p(x|z)')}]; "
        f"p(x) and p(z|x) inherit both, with no network of their own [{of('p(x)')}; {of('p(z|x)')}]; "
        f"q(z|x) reads {' and '.join(case.recognition)}. {zeros} of {len(entries)} cells are exact zeros."
    )
    if broken:
        first = broken[0]
        seen = ", ".join(f"{name} {number(norm)}" for name, norm in first.norm.items())
        wanted = "a dependence" if first.reads else "exactly 0"
        sentence = f"{first.row} by {first.weight}: expected {wanted}; found {seen}"
    return Statement("dependency", case.title, sentence, not broken)


@dataclass(frozen=True)
class Residual:
    """The residual after one exchange.

    Attributes:
        factor: which factor got another value of θ; `nothing` where one θ is used throughout.
        exchanged: `all` of θ, or one block of it.
        ignored: whether the factor does not read what was exchanged, so that the residual has to stay zero.
        holds: whether the residual is zero, up to rounding, just where it has to be.
        tolerance_nats: what rounding explains: the sum of the four factors' tolerances.
        residual_nats: the largest absolute residual over the latents, in the reference and in each backend.
    """

    case: str
    factor: str
    exchanged: str
    ignored: bool
    holds: bool
    tolerance_nats: float
    residual_nats: Mapping[str, float]


def residuals(case: Case, truth: Truth, sources: Mapping[str, Tensors]) -> list[Residual]:
    """One θ throughout, then every factor with all of another θ, and with each of its blocks alone."""
    depends = case.depends()
    found = [_residual(case, truth, sources, NOTHING, "base", ignored=True)]
    for factor in FACTORS:
        for variant in variants(case):
            if variant == "base":
                continue
            exchanged = set(case.theta) if variant == "all" else {variant}
            ignored = not exchanged & depends[factor]
            found.append(_residual(case, truth, sources, factor, variant, ignored=ignored))
    return found


def _residual(
    case: Case, truth: Truth, sources: Mapping[str, Tensors], factor: str, variant: str, *, ignored: bool
) -> Residual:
    def key(name: str, point: int) -> str:
        return f"{case.name}/{variant if name == factor else 'base'}/{point}/value/{name}"

    def largest(tensors: Tensors) -> float:
        sums = (
            math.fsum(sign * tensors[key(name, point)] for name, sign in FACTORS.items()) for point in range(POINTS)
        )
        return max(map(abs, sums))

    tolerance = max(math.fsum(truth.tolerances[key(name, point)] for name in FACTORS) for point in range(POINTS))
    found = {source: largest(tensors) for source, tensors in sources.items()}
    holds = all((residual <= tolerance) == ignored for residual in found.values())
    return Residual(case.name, factor, variant, ignored, holds, tolerance, found)


def joint_statement(case: Case, rows: Sequence[Residual]) -> Statement:
    """The result of a case's residuals, in one sentence."""
    broken = [row for row in rows if not row.holds]
    if broken:
        row = broken[0]
        seen = ", ".join(f"{name} {number(value)}" for name, value in row.residual_nats.items())
        wanted = f"at most {number(row.tolerance_nats)}" if row.ignored else f"more than {number(row.tolerance_nats)}"
        sentence = f"{row.exchanged} exchanged in {row.factor}: expected {wanted} nats; found {seen}"
        return Statement("joint", case.title, sentence, False)
    zero = [value for row in rows if row.ignored for value in row.residual_nats.values()]
    other = [value for row in rows if not row.ignored for value in row.residual_nats.values()]
    ignored = sorted({f"{row.exchanged} in {row.factor}" for row in rows if row.ignored and row.factor != NOTHING})
    sentence = (
        f"With one θ in all four factors, they are those of one joint: the residual is {number(max(zero))} nats at "
        f"most (rounding explains {number(min(row.tolerance_nats for row in rows))}). With another θ in one factor "
        f"that reads it, the residual is {number(min(other))} to {number(max(other))} nats. With another value of a "
        f"block that the factor does not read ({', '.join(ignored) or 'there is none'}), it stays zero."
    )
    return Statement("joint", case.title, sentence, True)


@dataclass(frozen=True)
class Total:
    """Σ_x p(x) over every x: that p(x) is a distribution at all, which the residual takes for granted.

    Attributes:
        holds: whether it is 1, up to rounding.
        tolerance: what rounding explains.
        excess: Σ_x p(x) − 1, in the reference and in each backend.
    """

    case: str
    holds: bool
    tolerance: float
    excess: Mapping[str, float]


def total(case: Case, truth: Truth, sources: Mapping[str, Tensors]) -> Total:
    """Raises KeyError where x is not binary: then there is no such sum."""
    keys = [f"{case.name}/x/{i}/value/p(x)" for i in range(len(all_data(len(case.x))))]
    excess = {source: math.fsum(math.exp(tensors[key]) for key in keys) - 1 for source, tensors in sources.items()}
    tolerance = max(truth.tolerances[key] for key in keys)
    return Total(case.name, all(abs(value) <= tolerance for value in excess.values()), tolerance, excess)


def total_statement(case: Case, found: Total) -> Statement:
    worst = max(map(abs, found.excess.values()))
    sentence = (
        f"p(x), integrated over z, sums to 1 over all {len(all_data(len(case.x)))} binary x "
        f"(off by {number(worst)}; rounding explains {number(found.tolerance)})."
    )
    return Statement("joint", case.title, sentence, found.holds)


@dataclass(frozen=True)
class Change:
    """The change of one row by absorption: log density or ELBO at the first point, in nats, by the reference.

    Attributes:
        stays: whether the row is one that the data can tell.
        tolerance_nats: what rounding explains of a change.
    """

    case: str
    row: str
    stays: bool
    before_nats: float
    after_nats: float
    tolerance_nats: float


def _values(case: Case, row: str) -> str:
    return f"{case.name}/{BASE}/value/{row}"


def absorption_changes(case: Case, moved: Case, truth: Truth) -> list[Change]:
    """Row by row, a case before and after `cases.absorbed`."""
    found = []
    for row in ROWS:
        keys = _values(case, row), _values(moved, row)
        before, after = (float(truth.tensors[key]) for key in keys)
        found.append(Change(case.name, row, row in KEPT, before, after, sum(truth.tolerances[key] for key in keys)))
    return found


def absorption_statement(case: Case, moved: Case, truth: Truth, sources: Mapping[str, Tensors]) -> Statement:
    """The result of a case's absorption, in one sentence."""
    changes = {
        (row, source): abs(float(tensors[_values(case, row)] - tensors[_values(moved, row)]))
        for row in KEPT
        for source, tensors in sources.items()
    }
    allowed = {row: sum(truth.tolerances[_values(each, row)] for each in (case, moved)) for row in KEPT}
    kept = all(change <= allowed[row] for (row, _), change in changes.items())
    blocks = [name for name in moved.weights if block_of(name) in moved.likelihood]
    shift = float(np.sqrt(sum(float(((moved.weights[name] - case.weights[name]) ** 2).sum()) for name in blocks)))
    numbers = sum(weight.size for name, weight in case.weights.items() if block_of(name) in case.prior)
    first = next(iter(sources.values()))
    sentence = (
        f"With z = As + m the {numbers} numbers of θ_prior vanish, θ_lik changes by {number(shift)}, and the ELBO "
        f"stays: {first[_values(case, 'ELBO')]:.12g} before, {first[_values(moved, 'ELBO')]:.12g} after "
        f"(p(x|z), p(x) and ELBO change by {number(max(changes.values()))} nats at most). So the data do not tell the "
        f"two blocks apart, although different factors read them."
    )
    return Statement("absorption", case.title, sentence, shift > 0 and kept)
