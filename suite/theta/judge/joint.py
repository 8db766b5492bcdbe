"""The joint: the four factors belong to one θ, and say so by a residual that is zero only then."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..cases import POINTS, Case, all_data, variants
from ..models import ROWS
from .statement import Statement, number
from .truth import Tensors, Truth

FACTORS = {"p(x|z)": 1, "p(z)": 1, "p(x)": -1, "p(z|x)": -1}
"""Factor → its sign in log p_a(x|z) + log p_b(z) − log p_c(x) − log p_d(z|x)."""
NOTHING = "nothing"


@dataclass(frozen=True)
class Residual:
    """The residual after one exchange.

    Attributes:
        factor: which factor got another value of θ; `nothing` where one θ is used throughout.
        exchanged: `all` of θ, or one block of it.
        residuals: the largest absolute residual over the latents, in nats, in the truth and in each backend.
        tolerance: what rounding explains: the sum of the four factors' tolerances.
        ignored: whether the factor does not read what was exchanged, so that the residual has to stay zero.
    """

    case: str
    factor: str
    exchanged: str
    residuals: Mapping[str, float]
    tolerance: float
    ignored: bool

    @property
    def holds(self) -> bool:
        return all((residual <= self.tolerance) == self.ignored for residual in self.residuals.values())


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
        return f"{case.name}/{variant if name == factor else 'base'}/{point}/value"

    def largest(tensors: Tensors) -> float:
        sums = (
            math.fsum(sign * tensors[key(name, point)][ROWS.index(name)] for name, sign in FACTORS.items())
            for point in range(POINTS)
        )
        return max(map(abs, sums))

    tolerance = max(
        math.fsum(truth.tolerances[key(name, point)][ROWS.index(name)] for name in FACTORS) for point in range(POINTS)
    )
    found = {source: largest(tensors) for source, tensors in sources.items()}
    return Residual(case.name, factor, variant, found, tolerance, ignored)


def joint_statement(case: Case, rows: Sequence[Residual]) -> Statement:
    """What the residuals of a case show, in one sentence."""
    broken = [row for row in rows if not row.holds]
    if broken:
        row = broken[0]
        seen = ", ".join(f"{name} {number(value)}" for name, value in row.residuals.items())
        wanted = f"at most {number(row.tolerance)}" if row.ignored else f"more than {number(row.tolerance)}"
        sentence = f"{row.exchanged} exchanged in {row.factor}: expected {wanted} nats; found {seen}"
        return Statement("joint", case.title, sentence, False)
    zero = [value for row in rows if row.ignored for value in row.residuals.values()]
    other = [value for row in rows if not row.ignored for value in row.residuals.values()]
    ignored = sorted({f"{row.exchanged} in {row.factor}" for row in rows if row.ignored and row.factor != NOTHING})
    sentence = (
        f"One θ throughout, and the four factors are those of one joint: the residual is {number(max(zero))} nats at "
        f"most (rounding explains {number(min(row.tolerance for row in rows))}). Another θ in one factor that reads "
        f"it: {number(min(other))} to {number(max(other))} nats. Another θ where the factor does not look"
        f" ({', '.join(ignored) or 'there is no such block'}): still zero."
    )
    return Statement("joint", case.title, sentence, True)


@dataclass(frozen=True)
class Total:
    """Σ_x p(x) over every x: that p(x) is a distribution at all, which the residual takes for granted.

    Attributes:
        excess: Σ_x p(x) − 1, in the truth and in each backend.
        tolerance: what rounding explains.
    """

    case: str
    excess: Mapping[str, float]
    tolerance: float

    @property
    def holds(self) -> bool:
        return all(abs(excess) <= self.tolerance for excess in self.excess.values())


def total(case: Case, truth: Truth, sources: Mapping[str, Tensors]) -> Total:
    """Raises KeyError where x is not binary: then there is no such sum."""
    keys = [f"{case.name}/x/{i}/value" for i in range(len(all_data(len(case.x))))]
    row = ROWS.index("p(x)")
    excess = {source: math.fsum(math.exp(tensors[key][row]) for key in keys) - 1 for source, tensors in sources.items()}
    return Total(case.name, excess, max(float(truth.tolerances[key][row]) for key in keys))


def total_statement(case: Case, found: Total) -> Statement:
    worst = max(map(abs, found.excess.values()))
    sentence = (
        f"p(x), integrated over z, sums to 1 over all {len(all_data(len(case.x)))} binary x "
        f"(off by {number(worst)}; rounding explains {number(found.tolerance)})."
    )
    return Statement("joint", case.title, sentence, found.holds)
