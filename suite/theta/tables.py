"""The tables of `elbostone theta` for readers, and the files of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ..reference.files import write_text
from ..reference.tolerance import K
from ..report.dictionary import write_dictionary
from ..report.tables import frame, markdown, write_table
from .cases import Case, cases
from .judge.agreement import closest
from .judge.answer import REFERENCE, Answer
from .judge.small_models import FACTORS, NOTHING
from .judge.statement import number
from .judge.trained import spread
from .models import ROWS
from .plan import BY_NAME, SAMPLES


@dataclass(frozen=True)
class Table:
    """Rows of text with the sentences that read them; a column's name may have several lines."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    notes: tuple[str, ...] = ()


def answer_tables(answer: Answer, missing: Mapping[str, str]) -> list[Table]:
    """Every printed table: the dependencies first, the verdicts on the four readings last.

    Args:
        answer: the answer.
        missing: backend without an outcome → the reason.
    """
    return [
        *(dependency_table(answer, case) for case in cases()),
        joint_table(answer),
        statements_table(answer, "Absorption: an affine change of the latent, z = As + m", ("absorption",)),
        trainings_table(answer),
        statements_table(answer, "The four readings, put to a VAE trained on the digits", ("R1", "R2", "R3", "R4")),
        agreement_table(answer, missing),
        sources_table(answer),
        readings_table(answer),
    ]


def dependency_table(answer: Answer, case: Case) -> Table:
    """One case: norms of gradients, nats per unit of the weight; an exact zero is `0`."""
    own = [entry for entry in answer.dependencies if entry.case == case.name]
    norms = {(entry.row, entry.weight): entry.norm[REFERENCE] for entry in own}
    weights = list(case.weights)
    return Table(
        f"What each distribution reads, as the norm of the gradient of its logarithm: {case.title}",
        ("", *(weight.replace("log_variance", "log var").replace(".", "\n") for weight in weights)),
        [(row, *(number(norms[row, weight]) for weight in weights)) for row in ROWS],
        _sentences(answer, "dependency", case.title),
    )


def joint_table(answer: Answer) -> Table:
    """The largest absolute residual in any backend, nats: one row per exchange, one column per factor."""
    rows = []
    for case in cases():
        own = {(row.exchanged, row.factor): row for row in answer.residuals if row.case == case.name}
        for exchanged in dict.fromkeys(exchanged for exchanged, _ in own):
            found = {factor: row for (name, factor), row in own.items() if name == exchanged}
            shown = [number(max(found[f].residual_nats.values())) if f in found else "" for f in (NOTHING, *FACTORS)]
            what = {"base": "nothing", "all": "all of θ"}.get(exchanged, exchanged)
            verdict = "holds" if all(row.holds for row in found.values()) else "fails"
            rows.append((case.title, what, *shown, verdict))
    failing = tuple(f"{s.subject}: {s.sentence}" for s in answer.statements if s.topic == "joint" and not s.holds)
    return Table(
        "The joint: |log p(x|z) + log p(z) − log p(x) − log p(z|x)| in nats, with one factor at another θ",
        ("model", "exchanged", "one θ\nthroughout", *(f"in\n{factor}" for factor in FACTORS), "verdict"),
        rows,
        failing or tuple(answer.conclusions[:1]),
    )


def trainings_table(answer: Answer) -> Table:
    """Held-out log-likelihoods of the trainings, by backend."""
    backends = list(dict.fromkeys(b for score in answer.scores for b in score.held_out_nats))
    rows = [
        (
            BY_NAME[score.regime].title,
            score.readout,
            str(score.seed),
            *(f"{score.held_out_nats[b]:.6f}" if b in score.held_out_nats else "" for b in backends),
            number(spread(score.held_out_nats)),
            number(2 * score.tolerance_nats),
            score.verdict,
        )
        for score in answer.scores
    ]
    origin = next(s.origin for s in answer.statements if s.topic == "R2")
    return Table(
        f"Trainings on the digits: held-out log p(x), nats a digit, {SAMPLES:,} importance samples",
        ("trained", "read", "seed", *(b.replace("-", "-\n") for b in backends), "apart", "allowed", "verdict"),
        rows,
        (
            f"These trainings were {origin}. All backends have the same start, minibatches and noise. Two of them may "
            f"differ by 2 · {K} times the rounding error that was measured of such a training and of its scoring.",
        ),
    )


def readings_table(answer: Answer) -> Table:
    return Table(
        "What the subscript θ stands for",
        ("", "reading", "verdict", "shown by"),
        [(r.name, r.meaning, r.verdict, f"{r.statements} statements") for r in answer.readings],
        tuple(answer.conclusions),
    )


def sources_table(answer: Answer) -> Table:
    return Table(
        "What each source means by it",
        ("notation", "source", "letters", "what its subscripts cover", "claims"),
        [
            (
                s.notation,
                s.source,
                s.letters,
                s.covers,
                f"{s.verified} of {s.claims} verified" if s.claims else "prints none",
            )
            for s in answer.sources
        ],
    )


def agreement_table(answer: Answer, missing: Mapping[str, str]) -> Table:
    """Each backend's models that differ, or else the one closest to its tolerance; and missing backends."""
    rows = [
        (
            row.backend,
            row.case,
            row.verdict,
            f"{row.compared:,}",
            number(row.error),
            number(row.tolerance),
            row.first_divergence or row.worst,
        )
        for row in closest(answer.agreements)
    ]
    rows += [(backend, "", reason, "", "", "", "") for backend, reason in missing.items()]
    return Table(
        "Agreement of the backends with the definition in NumPy, float64",
        ("backend", "model", "verdict", "numbers", "error", "allowed", "closest to what is allowed"),
        rows,
        (
            f"Allowed is {K} times the rounding error that was measured in 16 runs of the definition, in which every "
            "input, product, sum and function value is perturbed by the precision of float64. Where the definition's "
            "derivative is 0, only 0 is equal.",
        ),
    )


def statements_table(answer: Answer, title: str, topics: Sequence[str]) -> Table:
    own = [s for topic in topics for s in answer.statements if s.topic == topic]
    return Table(title, ("", "about", "found", "verdict"), [(s.topic, s.subject, s.sentence, s.verdict) for s in own])


def _sentences(answer: Answer, topic: str, subject: str) -> tuple[str, ...]:
    return tuple(s.sentence for s in answer.statements if (s.topic, s.subject) == (topic, subject))


def long_tables(answer: Answer) -> dict[str, list[dict[str, Any]]]:
    """Table → its rows with all digits, one per fact, as files and `--json` have them."""
    facts: dict[str, Sequence[Any]] = {
        "dependency": answer.dependencies,
        "joint": answer.residuals,
        "totals": answer.totals,
        "absorption": answer.changes,
        "trainings": answer.scores,
        "statements": answer.statements,
        "readings": answer.readings,
        "sources": answer.sources,
        "agreement": answer.agreements,
    }
    tables = {name: [_row(fact) for fact in found] for name, found in facts.items()}
    for row, statement in zip(tables["statements"], answer.statements, strict=True):
        row["verdict"] = statement.verdict
    return tables


def _row(fact: Any) -> dict[str, Any]:
    """A fact by its fields; one that has a number for each source becomes a column for each."""
    row: dict[str, Any] = {}
    for name, value in vars(fact).items():
        row |= {f"{name}_{source}": of for source, of in value.items()} if isinstance(value, Mapping) else {name: value}
    return row


def write_answer(answer: Answer, missing: Mapping[str, str], folder: Path) -> None:
    """theta.md, the tables behind it as CSV and Parquet, and their dictionary."""
    for name, rows in long_tables(answer).items():
        write_table(frame(rows, tuple(rows[0]) if rows else ()), folder / f"theta_{name}")
    write_dictionary(folder)
    text = "# What the subscript θ means\n\nMade by `elbostone theta`.\n\n"
    text += "".join(f"{sentence}\n\n" for sentence in answer.conclusions)
    for table in answer_tables(answer, missing):
        columns = [name.replace("\n", " ") for name in table.columns]
        text += f"## {table.title}\n\n{markdown(pd.DataFrame(table.rows, columns=columns))}\n"
        text += "".join(f"{note}\n\n" for note in table.notes)
    write_text(folder / "theta.md", text)
