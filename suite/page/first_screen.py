"""The first screen: the weights that θ names in each source, the verdict of the run, and the machine of the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..equality.judge import Row, by_cell, cell_verdict
from ..equality.tables import used
from ..notations.glossary import is_named
from ..notations.notation import Notation
from ..notations.overview import weight_sets
from ..notations.plain_tex import plain
from ..report.tables import FAILING
from ..workers.run_settings import RunSettings
from .words import percent


@dataclass(frozen=True)
class Strip:
    """One source's letters for the weights of each part of the model.

    Attributes:
        notation: the source.
        letters: part of the model → the letters of its weights, and whether one of them is θ.
        says: the weights that θ names, in words.
    """

    notation: Notation
    letters: dict[str, tuple[str, bool]]
    says: str


def strip(notation: Notation) -> Strip:
    """A source's row of the θ-table."""
    letters: dict[str, tuple[str, bool]] = {}
    for net, sets in weight_sets(notation).items():
        shown = dict.fromkeys(plain(s.tex) for s in sets)
        letters[net] = ", ".join(shown), any(is_named(s, "θ") for s in sets)
    lit = [net for net, (_, is_theta) in letters.items() if is_theta]
    return Strip(notation, letters, f"weights of the {' and the '.join(lit)}" if lit else "not used for weights")


@dataclass(frozen=True)
class Verdict:
    """The verdict of a run, in a few words and in a sentence."""

    short: str
    sentence: str
    good: bool


_MEANINGS = {word: word for word in FAILING} | {
    "excluded": "excluded for a known difference of their framework",
    "unsupported": "unsupported, since the source does not define the problem",
    "missing": "missing",
}
"""Verdict → its words in the sentence."""


def verdict(rows: Sequence[Row], claims: Sequence[dict[str, Any]]) -> Verdict:
    """The verdict on a run's cells and claims."""
    cells = by_cell(rows)
    counts = Counter(cell_verdict(group) for group in cells.values())
    failing = sum(counts[word] for word in FAILING)
    refuted = sum(row["verdict"] in FAILING for row in claims)
    equal = [row for row in rows if row["verdict"] == "equal" and row["term"]]
    are = "cell is" if counts["equal"] == 1 else "cells are"
    said = [f"{counts['equal']:,} {are} equal to the reference"]
    if equal:
        said.append(f"the largest error takes {percent(max(map(used, equal)))} of its tolerance")
    said += [f"{counts[word]:,} {meaning}" for word, meaning in _MEANINGS.items() if counts[word]]
    if not counts["differs"]:
        said.append("0 differ")
    if claims:
        said.append(f"{len(claims) - refuted:,} of {len(claims):,} statements of the notations hold")
    sentence = "; ".join(said) + "."
    if not cells:
        return Verdict("Nothing was compared", "This run has no cell of equality.", good=False)
    if failing or refuted:
        return Verdict("Not everywhere", sentence, good=False)
    if not counts["equal"]:
        return Verdict("Nothing was proven", sentence, good=False)
    return Verdict("Yes, in every cell that can be compared", sentence, good=True)


def facts(settings: RunSettings) -> list[tuple[str, str]]:
    """(name, text) of the run's date, machine, commit, system and versions, as far as they are known."""
    stamp = settings.created
    date = f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]} {stamp[9:11]}:{stamp[11:13]} UTC" if len(stamp) == 16 else stamp
    machine = [settings.cpu, f"{settings.cpus} CPUs" if settings.cpus else "", settings.gpu or "no GPU"]
    versions = [f"{name} {version}" for name, version in settings.packages.items()]
    found = {
        "date": date,
        "machine": ", ".join(part for part in machine if part),
        "commit": settings.git_commit or "not made in a repository",
        "system": f"Python {settings.python}, {settings.platform}" if settings.python else settings.platform,
        "versions": ", ".join(versions),
    }
    return [(name, text) for name, text in found.items() if text]
