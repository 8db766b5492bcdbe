"""`elbostone report --against`: in how many cells do the figures of two runs agree within their intervals?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..reference.files import write_text
from ..report.tables import frame, markdown, write_table
from ..timing.judge.throughput import CELL
from .compare import Row, timed_in_both

AGREEING = 0.95
"""The share of cells in which another run on the same machine must agree."""
_FIGURES = ("images_per_second", "lower", "upper")
COLUMNS = (*CELL, *_FIGURES, *(f"other_{name}" for name in _FIGURES), "ratio", "agrees", "stable")
SHOWN = ("workload", "stage", "batch", "notation", "backend", "dtype", "mode", "rung", "ratio", "agrees", "stable")


def agreement(one: Sequence[Row], other: Sequence[Row]) -> list[dict[str, Any]]:
    """A row per cell that has a figure in both runs, in the order of the first.

    Its columns are those of the cell; the images per second of both runs within `lower` and `upper`; `ratio`, the
    first ÷ the other; `agrees`, whether the intervals have a number in common; `stable`, whether both figures are.

    Args:
        one, other: rows of throughput.parquet.
    """
    return [_row(*both) for both in timed_in_both(one, other)]


def _row(row: Row, other: Row) -> dict[str, Any]:
    figures = {name: row.get(name) for name in (*CELL, *_FIGURES)} | {f"other_{name}": other[name] for name in _FIGURES}
    return figures | {
        "ratio": row["images_per_second"] / other["images_per_second"],
        "agrees": row["lower"] <= other["upper"] and other["lower"] <= row["upper"],
        "stable": row["stable"] and other["stable"],
    }


def agreement_text(rows: Sequence[Row]) -> str:
    """One line: how many cells agree, and how far apart the others are at most."""
    if not rows:
        return "no cell has a figure in both runs"
    apart = _apart(rows)
    agreeing = len(rows) - len(apart)
    text = f"{agreeing} of {len(rows)} cells agree within their intervals ({agreeing / len(rows):.1%}; "
    text += f"promised on one machine: {AGREEING:.0%})"
    return f"{text}; the others are up to {_factor(apart[0]):.2f}× apart" if apart else text


def write_agreement(rows: Sequence[Row], other: str, folder: Path) -> None:
    """Write agreement.csv, .parquet and .md of a run; .md has only the cells that do not agree with the other run's."""
    write_table(frame(rows, COLUMNS), folder / "agreement")
    text = f"# Against another run\n\nThis run and {other}: {agreement_text(rows)}.\n"
    if apart := _apart(rows):
        text += "\nThose that do not; *ratio* is this run's images per second ÷ the other's.\n\n"
        text += markdown(frame(apart, COLUMNS)[list(SHOWN)])
    write_text(folder / "agreement.md", text)


def _apart(rows: Sequence[Row]) -> list[Row]:
    """The cells whose figures do not agree, the furthest apart first."""
    return sorted((row for row in rows if not row["agrees"]), key=_factor, reverse=True)


def _factor(row: Row) -> float:
    """The larger of two figures ÷ the smaller."""
    return max(float(row["ratio"]), 1 / float(row["ratio"]))
