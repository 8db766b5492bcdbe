"""The tables of equality: a row per cell and tensor, a line per cell, and how many cells have each verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..report.tables import FAILING, frame, markdown, write_table, write_whole
from ..workers.records import Cell
from .judge import COLUMNS, Row, by_cell, cell_verdict


def write_equivalence(rows: Sequence[Row], folder: Path) -> None:
    """equivalence.csv, .parquet (a row per cell and tensor) and .md (a line per cell)."""
    write_table(frame(rows, COLUMNS), folder / "equivalence")
    text = (
        "# Equality of the ELBO and everything behind it\n\n"
        f"Cells: {_counts(rows)}. A cell is `equal` when every tensor it returned is within its tolerance of the "
        "truth; the tensor shown is the one that came closest to its tolerance. Row by row: `equivalence.csv`.\n\n"
    )
    text += markdown(pd.DataFrame([_line(cell, group) for cell, group in by_cell(rows).items()]))
    write_whole(folder / "equivalence.md", lambda path: path.write_text(text, encoding="utf-8"))


def print_verdicts(rows: Sequence[Row]) -> None:
    """How many cells have each verdict, and one line for each that fails the run."""
    print(f"cells: {_counts(rows)}")
    for cell, group in by_cell(rows).items():
        failing = next((row for row in group if row["verdict"] in FAILING), None)
        if failing:
            reason = failing["first_divergence"] or failing["reason"]
            print(f"{failing['verdict']}: {' '.join(_words(cell).values())}: {reason}")


def _counts(rows: Sequence[Row]) -> str:
    """How many cells have each verdict."""
    counts = Counter(cell_verdict(group) for group in by_cell(rows).values())
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))


def _words(cell: Cell) -> dict[str, str]:
    """A cell by its fields, but for the framework, which its backend implies."""
    return {name: word for name, word in cell.as_json().items() if name != "framework"}


def _line(cell: Cell, group: Sequence[Row]) -> dict[str, Any]:
    """A cell's verdict, and the tensor that came closest to its tolerance, or the first that diverged."""
    compared = [row for row in group if row["term"]]
    closest = max(compared, key=_share, default=None)
    return {
        **_words(cell),
        "adapted": group[0]["adapted"],
        "verdict": cell_verdict(group),
        "tensors": len(compared),
        "closest tensor": closest and closest["term"],
        "error": closest and closest["worst_error"],
        "allowed": closest and closest["tolerance"],
        "first divergence, or reason": next(
            (row["first_divergence"] or row["reason"] for row in group if row["verdict"] != "equal"), None
        ),
    }


def _share(row: Row) -> float:
    """How much of its tolerance an error takes; a difference that is no number takes all."""
    error, tolerance = row["worst_error"], row["tolerance"]
    if error is None or error != error:
        return float("inf")
    if not tolerance:
        return float("inf") if error else 0.0
    return float(error / tolerance)
