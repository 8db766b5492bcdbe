"""The tables of equality: a row per cell and tensor, and a summary by problem and backend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..report.tables import FAILING, frame, markdown, write_table, write_whole
from ..workers.records import Cell
from .judge import COLUMNS, Row, by_cell, cell_verdict

Cells = dict[Cell, list[Row]]


def write_equivalence(rows: Sequence[Row], folder: Path) -> None:
    """equivalence.csv, .parquet (a row per cell and tensor) and .md (a summary)."""
    write_table(frame(rows, COLUMNS), folder / "equivalence")
    cells = by_cell(rows)
    text = (
        "# Equality of the ELBO and everything behind it\n\n"
        f"Cells: {_counts(rows)}. A cell is `equal` when every tensor it returned is within its tolerance of the "
        "truth. The tensor shown is the one that came closest to its tolerance in any cell of its line; *used* is the "
        "share of the tolerance that its error takes. Every tensor of every cell is in `equivalence.parquet`, and in "
        "`equivalence.csv`, which `elbostone report` writes.\n\n"
    )
    text += markdown(pd.DataFrame([_line(*own) for own in _groups(cells).items()]))
    if failing := [_failing(cell, group) for cell, group in cells.items() if cell_verdict(group) in FAILING]:
        text += f"\n## What fails\n\n{markdown(pd.DataFrame(failing))}"
    if others := _reasons(cells):
        text += f"\n## What is not compared, or differs for a known reason\n\n{markdown(pd.DataFrame(others))}"
    write_whole(folder / "equivalence.md", lambda path: path.write_text(text, encoding="utf-8"))


def cell_table(rows: Sequence[Row]) -> pd.DataFrame:
    """A row per cell: its verdict, the tensor that came closest to its tolerance, and what is behind the verdict."""
    return pd.DataFrame([_cell_line(cell, group) for cell, group in by_cell(rows).items()])


def _cell_line(cell: Cell, rows: Sequence[Row]) -> dict[str, Any]:
    compared = [row for row in rows if row["term"]]
    closest = max(compared, key=_share, default=None)
    verdict = cell_verdict(rows)
    decisive = next(row for row in rows if row["verdict"] == verdict)
    return {
        **_words(cell),
        "verdict": verdict,
        "tensors": len(compared),
        "closest tensor": closest and closest["term"],
        "error": closest and closest["worst_error"],
        "allowed": closest and closest["tolerance"],
        "first divergence, or reason": decisive["first_divergence"] or decisive["reason"],
    }


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


def _groups(cells: Cells) -> dict[tuple[str, str], Cells]:
    """Cells by problem and backend, in order."""
    groups: dict[tuple[str, str], Cells] = {}
    for cell, rows in cells.items():
        groups.setdefault((cell.problem, cell.backend), {})[cell] = rows
    return groups


def _line(of: tuple[str, str], cells: Cells) -> dict[str, Any]:
    """How many cells of a problem and a backend have each verdict, and what came closest to its tolerance."""
    counts = Counter(cell_verdict(rows) for rows in cells.values())
    equal = [row for rows in cells.values() for row in rows if row["verdict"] == "equal"]
    closest = max(equal, key=_share, default=None)
    return {
        "problem": of[0],
        "backend": of[1],
        "equal": counts.pop("equal", 0),
        "others": ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())),
        "closest tensor": closest and closest["term"],
        "of": closest and " ".join((closest["notation"], closest["dtype"], closest["mode"])),
        "error": closest and closest["worst_error"],
        "allowed": closest and closest["tolerance"],
        "used": closest and f"{_share(closest):.0%}",
    }


def _failing(cell: Cell, rows: Sequence[Row]) -> dict[str, Any]:
    """A cell that fails the run, and why."""
    row = next(row for row in rows if row["verdict"] in FAILING)
    said = {"verdict": row["verdict"], "first divergence, or reason": row["first_divergence"] or row["reason"]}
    return {**_words(cell), **said}


def _reasons(cells: Cells) -> list[dict[str, Any]]:
    """How many cells there is neither proof nor failure of, by the reason."""
    counts = Counter(
        (verdict, next(row["reason"] for row in rows if row["verdict"] == verdict))
        for rows in cells.values()
        if (verdict := cell_verdict(rows)) not in ("equal", *FAILING)
    )
    return [{"verdict": verdict, "cells": count, "reason": reason} for (verdict, reason), count in counts.items()]


def _share(row: Row) -> float:
    """How much of its tolerance an error takes; a difference that is no number takes all."""
    error, tolerance = row["worst_error"], row["tolerance"]
    if error is None or error != error:
        return float("inf")
    if not tolerance:
        return float("inf") if error else 0.0
    return float(error / tolerance)
