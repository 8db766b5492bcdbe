"""The whole answer: every table, statement and verdict, from the backends' results and the training runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...reference.problem import Problem
from ...reference.truth import Truth
from ..cases import Case, absorptions, all_cases, cases
from ..expected import Tensors
from . import readings, small_models, trained
from .agreement import VAE, Agreement, agreements
from .readings import READINGS, VERDICTS
from .small_models import NOTHING, Change, Entry, Residual, Total
from .sources import SourceLine
from .statement import Statement, number
from .trained import Score

REFERENCE = "reference"
"""The column of the definition's own numbers, beside the backends'."""


@dataclass(frozen=True)
class Expected:
    """The reference with which the backends are compared.

    Attributes:
        small: the small models.
        digits: the trained VAE.
        learned: its problem.
    """

    small: Truth
    digits: Truth
    learned: Problem


@dataclass(frozen=True)
class Reading:
    """One reading of the subscript: its verdict stands only on statements that hold."""

    name: str
    meaning: str
    verdict: str
    statements: int


@dataclass(frozen=True)
class Answer:
    """Everything that `elbostone theta` prints and writes."""

    agreements: list[Agreement]
    dependencies: list[Entry]
    residuals: list[Residual]
    totals: list[Total]
    changes: list[Change]
    scores: list[Score]
    statements: list[Statement]
    readings: list[Reading]
    sources: list[SourceLine]
    conclusions: list[str]

    @property
    def holds(self) -> bool:
        """Whether all backends agree, the committed trainings included, and every statement holds."""
        agree = all(a.verdict == "equal" for a in self.agreements) and all(s.verdict == "equal" for s in self.scores)
        return agree and all(statement.holds for statement in self.statements)


def answer_of(
    expected: Expected,
    small: Mapping[str, Tensors],
    vae: Mapping[str, Tensors],
    scores: Sequence[Score],
    origin: str,
    sources: Sequence[SourceLine],
) -> Answer:
    """Judge everything.

    Args:
        expected: the reference and its tolerances.
        small, vae: backend → tensors, among them those of the small models and of the trained VAE.
        scores: the held-out scores of the training runs.
        origin: where the trainings come from, for their statements.
        sources: one line per notation.
    """
    compared = [
        *(row for case in all_cases() for row in agreements(case.name, expected.small, small, f"{case.name}/")),
        *agreements(VAE, expected.digits, vae),
    ]
    complete = {b: t for b, t in small.items() if t.keys() >= expected.small.tensors.keys()}
    columns = {REFERENCE: expected.small.tensors, **complete}
    entries = {case: small_models.dependency_table(case, columns) for case in cases()}
    rows = {case: small_models.residuals(case, expected.small, columns) for case in cases()}
    totals = {case: small_models.total(case, expected.small, columns) for case in cases() if case.binary}
    statements = [
        *(small_models.dependency_statement(case, table, REFERENCE) for case, table in entries.items()),
        *(small_models.joint_statement(case, found) for case, found in rows.items()),
        *(small_models.total_statement(case, found) for case, found in totals.items()),
        *(small_models.absorption_statement(*pair, expected.small, columns) for pair in absorptions()),
        *readings.agreed(
            {b: readings.reading_statements(t, expected.digits, expected.learned) for b, t in vae.items()}
        ),
        *trained.trained_statements(scores, origin),
    ]
    return Answer(
        compared,
        [entry for table in entries.values() for entry in table],
        [row for found in rows.values() for row in found],
        list(totals.values()),
        [row for pair in absorptions() for row in small_models.absorption_changes(*pair, expected.small)],
        list(scores),
        statements,
        [_reading(name, statements) for name in READINGS],
        list(sources),
        _conclusions(entries, rows, statements),
    )


TOPICS = {"R1": ("R1",), "R2": ("joint", "R2"), "R3": ("dependency", "R3"), "R4": ("R4",)}
"""Reading → the topics of the statements that decide it."""


def _reading(name: str, statements: Sequence[Statement]) -> Reading:
    own = [s for s in statements if s.topic in TOPICS[name]]
    failing = [s.subject for s in own if not s.holds]
    verdict = f"not decided: {', '.join(failing)} fails" if failing else VERDICTS[name]
    return Reading(name, READINGS[name], verdict, len(own))


def _conclusions(
    entries: Mapping[Case, Sequence[Entry]], rows: Mapping[Case, Sequence[Residual]], statements: Sequence[Statement]
) -> list[str]:
    """The answer in a few sentences, each with its numbers; none where a statement fails."""
    if not all(statement.holds for statement in statements):
        return []
    flat = [row for found in rows.values() for row in found]
    same = max(v for row in flat if row.factor == NOTHING for v in row.residual_nats.values())
    kept = max(v for row in flat if row.ignored and row.factor != NOTHING for v in row.residual_nats.values())
    broken = min(v for row in flat if not row.ignored for v in row.residual_nats.values())
    table = [entry for found in entries.values() for entry in found]
    zeros = sum(not entry.reads for entry in table)
    least = min(norm for entry in table if entry.reads for norm in entry.norm.values())
    empty = [case.title for case in rows if not case.prior]
    shared = [case.title for case in rows if set(case.theta) & set(case.recognition)]
    return [
        f"One vector θ = (θ_prior, θ_lik) selects one joint p(x, z) = p(z) p(x|z) out of a family; a subscript θ says "
        f"'of the joint at this θ'. With one θ throughout, prior, likelihood, marginal and posterior agree to "
        f"{number(same)} nats in all {len(rows)} models; with another θ in any one factor that reads it they differ by "
        f"{number(broken)} nats or more.",
        f"Distributions with the same subscript do not read the same weights: p(z) reads θ_prior, p(x|z) reads θ_lik, "
        f"p(x) and p(z|x) read both. {zeros} of {len(table)} derivatives are exactly 0 and the others {number(least)} "
        f"or more; if a block that a factor does not read is exchanged, the factors agree to {number(kept)} nats.",
        f"Where the prior is fixed ({'; '.join(empty)}), θ_prior is empty, p(z) does not depend on θ at all, and θ is "
        f"the decoder's weights.",
        f"θ and the encoder's φ share no weight, unless a model ties them ({'; '.join(shared)}): there a weight has "
        f"both letters, and the table shows which distributions read it.",
    ]
