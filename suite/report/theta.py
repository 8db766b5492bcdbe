"""The tables of `elbostone theta`: as people read them, and as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ..analysis.theta.answer import REFERENCE, Answer
from ..analysis.theta.statement import number
from ..definition.theta.cases import Case, block_of, cases
from ..definition.theta.models import ROWS
from .tables import frame, markdown, write_table, write_whole
from .theta_figures import FIGURES, write_figures

COMMAND = "elbostone theta"


@dataclass(frozen=True)
class Table:
    """A table with the sentence that reads it: rows of text."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    sentence: str = ""


def answer_tables(answer: Answer, missing: Mapping[str, str]) -> list[Table]:
    """Everything that is printed, in the order of the questions.

    Args:
        answer: what was found.
        missing: backend → why it has nothing, for those that have not.
    """
    return [
        *(dependency_table(answer, case) for case in cases()),
        joint_table(answer),
        absorption_table(answer),
        _statements(
            answer, "The four readings of the subscript, put to a VAE trained on the digits", ("R1", "R2", "R3", "R4")
        ),
        trainings_table(answer),
        readings_table(answer),
        sources_table(answer),
        agreement_table(answer, missing),
    ]


def dependency_table(answer: Answer, case: Case) -> Table:
    """One case: norms of gradients, nats per unit of the weight; an exact zero is `0`."""
    own = [entry for entry in answer.dependencies if entry.case == case.name]
    norms = {(entry.row, entry.weight): entry.norms[REFERENCE] for entry in own}
    weights = list(case.weights)
    rows = [(row, *(number(norms[row, weight]) for weight in weights)) for row in ROWS]
    return Table(
        f"What each distribution reads: {case.title}",
        ("‖gradient‖ of log", *(weight.replace(".weight", ".W").replace(".bias", ".b") for weight in weights)),
        rows,
        _sentence(answer, "dependency", case.title),
    )


def joint_table(answer: Answer) -> Table:
    """The largest absolute residual in any backend, nats; all cases, one row per exchange."""
    titles = {case.name: case.title for case in cases()}
    rows = [
        (
            titles[row.case],
            "" if row.factor == "nothing" else row.factor,
            "nothing: one θ throughout"
            if row.factor == "nothing"
            else "all of θ"
            if row.exchanged == "all"
            else row.exchanged,
            number(max(row.residuals.values())),
            "0" if row.ignored else "not 0",
            "holds" if row.holds else "fails",
        )
        for row in answer.residuals
    ]
    return Table(
        "The joint: log p(x|z) + log p(z) − log p(x) − log p(z|x), one factor at another θ",
        ("model", "factor", "exchanged", "residual (nats)", "has to be", "verdict"),
        rows,
        " ".join(
            s.sentence for s in answer.statements if s.topic == "joint" and s.subject == "learned prior, 1 latent"
        ),
    )


def absorption_table(answer: Answer) -> Table:
    return _statements(answer, "Absorption: an affine change of the latent", ("absorption",))


def trainings_table(answer: Answer) -> Table:
    """Held-out log-likelihoods of the trainings, by backend."""
    backends = list(dict.fromkeys(b for score in answer.scores for b in score.nats))
    rows = [
        (
            score.regime,
            score.readout,
            str(score.seed),
            *(f"{score.nats[b]:.6f}" if b in score.nats else "" for b in backends),
            number(score.spread),
            number(score.pair_tolerance),
            score.verdict,
        )
        for score in answer.scores
    ]
    origin = next((s.origin for s in answer.statements if s.topic == "R2"), "")
    return Table(
        "Trainings: held-out log p(x), nats a digit",
        ("regime", "read", "seed", *backends, "apart", "allowed", "verdict"),
        rows,
        f"These figures were {origin}. 'Allowed' is what float64's rounding, put on every new weight of the same "
        "training, was measured to move them by, times 8, for each of the two.",
    )


def readings_table(answer: Answer) -> Table:
    rows = [(r.name, r.meaning, r.verdict, str(r.statements)) for r in answer.readings]
    return Table(
        "The verdict on each reading: what θ stands for",
        ("", "reading", "verdict", "statements"),
        rows,
        " ".join(answer.conclusions),
    )


def sources_table(answer: Answer) -> Table:
    rows = [
        (s.notation, s.source, s.letters, s.covers, "declared" if s.verified is None else f"{s.verified} of {s.claims}")
        for s in answer.sources
    ]
    return Table(
        "What each source means by it", ("notation", "source", "letters", "what its subscripts cover", "verified"), rows
    )


def agreement_table(answer: Answer, missing: Mapping[str, str]) -> Table:
    """Each backend against the definition, and those that are not here."""
    rows = [
        (
            a.case,
            a.backend,
            a.verdict,
            f"{a.compared:,}",
            number(a.error),
            number(a.tolerance),
            a.first_divergence or a.worst,
        )
        for a in answer.agreements
    ]
    rows += [("", backend, reason, "", "", "", "") for backend, reason in missing.items()]
    return Table(
        "Agreement of the backends with the definition, float64",
        ("model", "backend", "verdict", "numbers", "closest: error", "allowed", "where"),
        rows,
        "The tolerance is 8 times what rounding was measured to do, in 16 runs of the definition in which every "
        "operation is moved by float64's rounding; where a derivative is zero nothing but 0 is equal.",
    )


def _statements(answer: Answer, title: str, topics: Sequence[str]) -> Table:
    own = [s for topic in topics for s in answer.statements if s.topic == topic]
    rows = [(s.topic, s.subject, s.sentence, s.verdict) for s in own]
    return Table(title, ("", "about", "found", "verdict"), rows)


def _sentence(answer: Answer, topic: str, subject: str) -> str:
    return next(s.sentence for s in answer.statements if (s.topic, s.subject) == (topic, subject))


def write_answer(answer: Answer, missing: Mapping[str, str], folder: Path) -> None:
    """theta.md, the tables behind it as CSV and Parquet, and the figures."""
    for name, rows in long_tables(answer).items():
        write_table(frame(rows, tuple(rows[0]) if rows else ()), folder / f"theta_{name}")
    write_figures(answer, folder)
    text = f"# What the subscript θ means\n\nMade by `{COMMAND}`.\n\n"
    text += "".join(f"{sentence}\n\n" for sentence in answer.conclusions)
    text += "".join(f"![{alt}]({name}.svg)\n\n" for name, alt in FIGURES.items())
    for table in answer_tables(answer, missing):
        text += f"## {table.title}\n\n{markdown(pd.DataFrame(table.rows, columns=list(table.columns)))}\n"
        text += f"{table.sentence}\n\n" if table.sentence else ""
    write_whole(folder / "theta.md", lambda path: path.write_text(text, encoding="utf-8"))


def long_tables(answer: Answer) -> dict[str, list[dict[str, Any]]]:
    """The tables with all digits, one row per fact, as files and `--json` have them."""
    return {
        "dependency": [
            {
                "case": e.case,
                "row": e.row,
                "weight": e.weight,
                "block": block_of(e.weight),
                "reads": e.reads,
                "holds": e.holds,
            }
            | {f"norm_{source}": norm for source, norm in e.norms.items()}
            for e in answer.dependencies
        ],
        "joint": [
            {"case": r.case, "factor": r.factor, "exchanged": r.exchanged, "ignored": r.ignored, "holds": r.holds}
            | {"tolerance_nats": r.tolerance}
            | {f"residual_nats_{source}": value for source, value in r.residuals.items()}
            for r in answer.residuals
        ],
        "totals": [
            {"case": t.case, "holds": t.holds, "tolerance": t.tolerance}
            | {f"excess_{source}": value for source, value in t.excess.items()}
            for t in answer.totals
        ],
        "trainings": [
            {"regime": s.regime, "readout": s.readout, "seed": s.seed, "verdict": s.verdict}
            | {"standard_error_nats": s.error, "tolerance_nats": s.tolerance}
            | {f"held_out_nats_{backend}": nats for backend, nats in s.nats.items()}
            for s in answer.scores
        ],
        "statements": [{**vars(s), "verdict": s.verdict} for s in answer.statements],
        "readings": [vars(r) for r in answer.readings],
        "sources": [vars(s) for s in answer.sources],
        "agreement": [vars(a) for a in answer.agreements],
    }
