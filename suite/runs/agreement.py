"""Two runs against each other: in how many cells do their figures agree within the intervals that they state?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from ..timing.judge.throughput import CELL

Row = dict[str, Any]

AGREEING = 0.95
"""The share of cells that another run on the same machine is promised to agree in."""
_FIGURES = ("images_per_second", "lower", "upper")
COLUMNS = (*CELL, *_FIGURES, *(f"other_{name}" for name in _FIGURES), "ratio", "agrees", "stable")


def agreement_rows(one: Iterable[Mapping[str, Any]], other: Iterable[Mapping[str, Any]]) -> list[Row]:
    """A row per cell that both runs have a figure of, in the order of the first.

    Columns: those of the cell; images per second of both within `lower` and `upper`; `ratio`, the first ÷ the other;
    `agrees`, whether the intervals have a number in common; `stable`, whether both figures are.

    Args:
        one, other: rows of throughput.csv.
    """
    known = {_cell(row): row for row in other if _measured(row)}
    rows = []
    for row in one:
        match = known.get(_cell(row))
        if match is None or not _measured(row):
            continue
        found: Row = {name: row[name] for name in (*CELL, *_FIGURES)}
        found |= {f"other_{name}": match[name] for name in _FIGURES}
        found["ratio"] = row["images_per_second"] / match["images_per_second"]
        found["agrees"] = bool(row["lower"] <= match["upper"] and match["lower"] <= row["upper"])
        found["stable"] = bool(row["stable"]) and bool(match["stable"])
        rows.append(found)
    return rows


def agreement_text(rows: Sequence[Row]) -> str:
    """One line: how many cells agree, and how far apart the others are at most."""
    if not rows:
        return "no cell has a figure in both runs"
    agreeing = sum(row["agrees"] for row in rows)
    text = f"{agreeing} of {len(rows)} cells agree within their intervals ({agreeing / len(rows):.1%}; "
    text += f"promised on one machine: {AGREEING:.0%})"
    apart = [max(row["ratio"], 1 / row["ratio"]) for row in rows if not row["agrees"]]
    return text + (f"; the others are up to {max(apart):.2f}× apart" if apart else "")


def _measured(row: Mapping[str, Any]) -> bool:
    return bool(pd.notna(row["images_per_second"]))


def _cell(row: Mapping[str, Any]) -> tuple[str, ...]:
    """What names a cell; a column that is empty is the same whether it came from a file or not."""
    return tuple("" if pd.isna(row[name]) else str(row[name]) for name in CELL)
