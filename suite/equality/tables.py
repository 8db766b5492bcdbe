"""The tables of equality: a row per cell and tensor, and a summary by problem and backend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..notations.registry import notations
from ..reference.comparison import share_of_tolerance
from ..reference.files import write_text
from ..report.tables import FAILING, frame, markdown, write_table
from ..workers.records import CELL_FIELDS, Cell
from .judge import COLUMNS, Row, by_cell, cell_verdict

Cells = dict[Cell, list[Row]]

WORDS = tuple(name for name in CELL_FIELDS if name != "framework")
"""The fields of a cell that a table shows; its backend implies the framework."""
DECISIVE = "first divergence, or reason"
"""The column of the reason of a verdict."""


def write_equivalence(rows: Sequence[Row], folder: Path) -> None:
    """equivalence.csv, .parquet (a row per cell and tensor) and .md (a summary)."""
    write_table(frame(rows, COLUMNS), folder / "equivalence")
    cells = by_cell(rows)
    lines = cell_lines(rows)
    text = (
        "# Equality of the ELBO and of every tensor behind it\n\n"
        f"Cells: {_counts(lines)}. A cell is `equal` when every tensor it returned is within its tolerance of the "
        "reference. The tensor shown is the one that came closest to its tolerance in any cell of its line; *used* is "
        "the share of the tolerance that its error takes. Every tensor of every cell is in `equivalence.parquet`, and "
        "in `equivalence.csv`, which `elbostone report` writes.\n\n"
    )
    text += markdown(pd.DataFrame([_line(*own) for own in _groups(cells).items()]))
    if failing := [line for line in lines if line["verdict"] in FAILING]:
        text += f"\n## What fails\n\n{markdown(frame(failing, ())[[*WORDS, 'verdict', DECISIVE]])}"
    if others := _reasons(cells):
        text += f"\n## What is not compared, or differs for a known reason\n\n{markdown(pd.DataFrame(others))}"
    write_text(folder / "equivalence.md", text)


def cell_table(rows: Sequence[Row]) -> pd.DataFrame:
    """A row per cell: its verdict, the tensor that came closest to its tolerance, and the reason of the verdict."""
    return pd.DataFrame(cell_lines(rows))


def cell_lines(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows of `cell_table`."""
    return [cell_line(cell, group) for cell, group in by_cell(rows).items()]


def cell_line(cell: Cell, rows: Sequence[Row]) -> dict[str, Any]:
    """The row of a cell in `cell_table`."""
    compared = [row for row in rows if row["term"]]
    closest = max(compared, key=used, default=None)
    verdict = cell_verdict(rows)
    decisive = next(row for row in rows if row["verdict"] == verdict)
    return {
        **{name: getattr(cell, name) for name in WORDS},
        "verdict": verdict,
        "tensors": len(compared),
        "closest tensor": closest and closest["term"],
        "error": closest and closest["worst_error"],
        "allowed": closest and closest["tolerance"],
        DECISIVE: decisive["first_divergence"] or decisive["reason"],
    }


def print_verdicts(rows: Sequence[Row]) -> None:
    """Print why cells are not compared, how many have each verdict, and one line for each that fails the run."""
    for other in _reasons(by_cell(rows)):
        print(f"{other['verdict']}: {other['cells']} cells: {other['reason']}")
    lines = cell_lines(rows)
    print(f"cells: {_counts(lines)}")
    for line in lines:
        if line["verdict"] in FAILING:
            print(f"{line['verdict']}: {' '.join(line[name] for name in WORDS)}: {line[DECISIVE]}")
    for place in _places(rows):
        print(place)


def _places(rows: Sequence[Row]) -> list[str]:
    """For each file of a cell that differs: its path in the package, and its name for the first tensor that differs."""
    known = notations()
    found: dict[str, None] = {}
    for cell, group in by_cell(rows).items():
        first = next((row for row in group if row["verdict"] == "differs"), None)
        if first and cell.notation in known:
            file = f"{cell.notation}/{cell.framework}_vae.py"
            symbols = known[cell.notation].symbols
            named = (s.code for s in symbols if s.quantity and s.tensor == first["term"])
            codes = dict.fromkeys(named)
            place = f"{' or '.join(codes)} ({first['term']})" if codes else first["term"]
            found[f"look first at {place} in {file}"] = None
    return list(found)


def _counts(lines: Sequence[dict[str, Any]]) -> str:
    """How many cells have each verdict."""
    counts = Counter(line["verdict"] for line in lines)
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))


def _groups(cells: Cells) -> dict[tuple[str, str], Cells]:
    """Cells by problem and backend, in order."""
    groups: dict[tuple[str, str], Cells] = {}
    for cell, rows in cells.items():
        groups.setdefault((cell.problem, cell.backend), {})[cell] = rows
    return groups


def _line(of: tuple[str, str], cells: Cells) -> dict[str, Any]:
    """The verdicts of the cells of a problem and a backend, counted, and the tensor closest to its tolerance."""
    counts = Counter(cell_verdict(rows) for rows in cells.values())
    equal = [row for rows in cells.values() for row in rows if row["verdict"] == "equal"]
    closest = max(equal, key=used, default=None)
    return {
        "problem": of[0],
        "backend": of[1],
        "equal": counts.pop("equal", 0),
        "others": ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())),
        "closest tensor": closest and closest["term"],
        "of": closest and " ".join((closest["notation"], closest["dtype"], closest["mode"])),
        "error": closest and closest["worst_error"],
        "allowed": closest and closest["tolerance"],
        "used": closest and f"{used(closest):.0%}",
    }


def _reasons(cells: Cells) -> list[dict[str, Any]]:
    """The number of cells that are neither proven nor failed, by reason."""
    counts = Counter(
        (verdict, next(row["reason"] for row in rows if row["verdict"] == verdict))
        for rows in cells.values()
        if (verdict := cell_verdict(rows)) not in ("equal", *FAILING)
    )
    return [{"verdict": verdict, "cells": count, "reason": reason} for (verdict, reason), count in counts.items()]


def used(row: Row) -> float:
    """The share of its tolerance that an error takes."""
    return share_of_tolerance(row["worst_error"], row["tolerance"])
