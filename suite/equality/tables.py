"""The tables of equality: a row per cell and tensor, a line per cell, and how many cells have each verdict."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ..report.tables import FAILING, frame, markdown, write_table, write_whole
from .judge import COLUMNS, Row
from .summary import cell_lines, verdict_counts


def write_equivalence(rows: Sequence[Row], folder: Path) -> None:
    """equivalence.csv, .parquet (a row per cell and tensor) and .md (a line per cell)."""
    write_table(frame(rows, COLUMNS), folder / "equivalence")
    counts = ", ".join(f"{count} {verdict}" for verdict, count in verdict_counts(rows).items())
    text = (
        "# Equality of the ELBO and everything behind it\n\n"
        f"Cells: {counts}. A cell is `equal` when every tensor it returned is within its tolerance of the truth; "
        "the tensor shown is the one that came closest to its tolerance. Row by row: `equivalence.csv`.\n\n"
    )
    text += markdown(pd.DataFrame(cell_lines(rows)))
    write_whole(folder / "equivalence.md", lambda path: path.write_text(text, encoding="utf-8"))


def print_verdicts(rows: Sequence[Row]) -> None:
    """How many cells have each verdict, and one line for each that fails the run."""
    counts = verdict_counts(rows)
    print("cells: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    seen = set()
    for row in rows:
        cell = tuple(row[name] for name in ("problem", "notation", "backend", "device", "dtype", "mode"))
        if row["verdict"] in FAILING and cell not in seen:
            seen.add(cell)
            print(f"{row['verdict']}: {' '.join(cell)}: {row['first_divergence'] or row['reason']}")
