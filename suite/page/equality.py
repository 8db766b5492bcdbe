"""The section of equality: implementations × backends, and behind each entry its cells with every tensor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..backends.table import BACKENDS
from ..equality.judge import Row, by_cell, cell_verdict
from ..equality.tables import cell_line, used
from ..report.tables import FAILING
from ..workers.records import Cell

MARKS = {
    "equal": "●",
    "excluded": "◆",
    "unsupported": "○",
    "missing": "–",
    "differs": "✖",
    "failed": "■",
    "timeout": "◷",
    "unexpected-pass": "▲",
}
"""Verdict → its shape, so that nothing is said by colour alone."""


@dataclass(frozen=True)
class Line:
    """One cell.

    Attributes:
        index: its place in `tensors`.
        words: the cell's line of `equality.tables.cell_line`.
        used: the share of the tolerance that the worst tensor takes; None where nothing was compared.
        reason: the reason why the cell is not equal; empty for an equal cell.
    """

    index: int
    words: dict[str, Any]
    used: float | None
    reason: str


@dataclass(frozen=True)
class Entry:
    """All cells of an implementation on a backend.

    Attributes:
        verdicts: verdict → how many cells have it, failures first.
        used: the largest share of a tolerance that an equal tensor takes.
        lines: the cells.
    """

    notation: str
    backend: str
    verdicts: dict[str, int]
    used: float | None
    lines: list[Line]


def matrix(rows: Sequence[Row]) -> tuple[list[str], dict[str, dict[str, Entry]]]:
    """The backends, and notation → backend → its cells."""
    cells = by_cell(rows)
    words = [cell_line(cell, group) for cell, group in cells.items()]
    groups: dict[tuple[str, str], list[tuple[int, Cell]]] = {}
    for index, cell in enumerate(cells):
        groups.setdefault((cell.notation, cell.backend), []).append((index, cell))
    backends = sorted({cell.backend for cell in cells}, key=[*BACKENDS].index)
    found: dict[str, dict[str, Entry]] = {}
    for (notation, backend), group in sorted(groups.items()):
        lines = [Line(index, words[index], _most(cells[cell]), _reason(cells[cell])) for index, cell in group]
        found.setdefault(notation, {})[backend] = _entry(notation, backend, lines)
    return backends, found


def _entry(notation: str, backend: str, lines: list[Line]) -> Entry:
    counts = Counter(line.words["verdict"] for line in lines)
    order = (*FAILING, "equal", "excluded", "missing", "unsupported")
    equal = [line.used for line in lines if line.words["verdict"] == "equal" and line.used is not None]
    verdicts = {word: counts[word] for word in order if counts[word]}
    return Entry(notation, backend, verdicts, max(equal, default=None), lines)


def _most(rows: Sequence[Row]) -> float | None:
    return max((used(row) for row in rows if row["term"]), default=None)


def _reason(rows: Sequence[Row]) -> str:
    """The first divergence and the reason of the first row that decides a cell's verdict."""
    row = next(row for row in rows if row["verdict"] == cell_verdict(rows))
    said = [row["first_divergence"], row["reason"]] if row["verdict"] != "equal" else []
    return ". ".join(text for text in said if text)


def tensors(rows: Sequence[Row]) -> list[list[list[Any]]]:
    """Cell → its tensors in the order of data flow.

    Each has name, verdict, error, tolerance, ulps and index of the largest error. A tensor that is not equal also has a
    line with the first index at which it differs, both values, error, ulps and tolerance.
    """
    fields = ("term", "verdict", "worst_error", "tolerance", "worst_ulps", "worst_index", "first_divergence")
    return [[[row[name] for name in fields] for row in group if row["term"]] for group in by_cell(rows).values()]


def reasons(rows: Sequence[Row], verdict: str) -> list[tuple[int, str, dict[str, Any] | None]]:
    """The reasons of a verdict: number of cells, reason, and the row with the largest error, where any was compared."""
    found: dict[str, list[list[Row]]] = {}
    for group in by_cell(rows).values():
        if cell_verdict(group) == verdict:
            reason = next(row["reason"] for row in group if row["verdict"] == verdict)
            found.setdefault(reason, []).append(group)
    lines = []
    for reason, groups in found.items():
        parting = [row for group in groups for row in group if row["verdict"] == verdict and row["worst_error"]]
        lines.append((len(groups), reason, max(parting, key=used, default=None)))
    return lines
