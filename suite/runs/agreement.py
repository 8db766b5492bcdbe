"""Two runs against each other: in how many cells do their figures agree within the intervals that they state?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ..reference.files import write_text
from ..report.tables import frame, markdown, read_rows, write_table
from ..timing.judge.throughput import CELL

AGREEING = 0.95
"""The share of cells in which another run on the same machine must agree."""
_FIGURES = ("images_per_second", "lower", "upper")
COLUMNS = (*CELL, *_FIGURES, *(f"other_{name}" for name in _FIGURES), "ratio", "agrees", "stable")
SHOWN = ("workload", "stage", "batch", "notation", "backend", "dtype", "mode", "rung", "ratio", "agrees", "stable")


def read_throughput(run: Path) -> pd.DataFrame:
    """The throughput table of a run folder.

    Raises:
        BadInput: the folder has none that can be read.
    """
    return frame(read_rows(run / "throughput.parquet"), CELL)


def agreement(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """A row per cell that has a figure in both runs, in the order of the first.

    Columns: those of the cell; images per second of both within `lower` and `upper`; `ratio`, the first ÷ the other;
    `agrees`, whether the intervals have a number in common; `stable`, whether both figures are.

    Args:
        one, other: tables of `read_throughput`.
    """
    of_cells = [table[table["images_per_second"].notna()] for table in (one, other)]
    figures = [table.astype(dict.fromkeys(_FIGURES, float)) for table in of_cells]
    # A column that is empty in one run may hold texts in the other.
    keyed = [table.assign(cell=table[list(CELL)].map(_text).agg("\n".join, axis=1)) for table in figures if len(table)]
    if len(keyed) < 2:
        return pd.DataFrame(columns=COLUMNS)
    beside = keyed[1][["cell", *_FIGURES, "stable"]].set_index("cell").add_prefix("other_")
    found = keyed[0].join(beside, on="cell", how="inner")
    found["ratio"] = found["images_per_second"] / found["other_images_per_second"]
    found["agrees"] = (found["lower"] <= found["other_upper"]) & (found["other_lower"] <= found["upper"])
    found["stable"] = found["stable"].astype(bool) & found["other_stable"].astype(bool)
    return found[list(COLUMNS)]


def agreement_text(rows: pd.DataFrame) -> str:
    """One line: how many cells agree, and how far apart the others are at most."""
    if rows.empty:
        return "no cell has a figure in both runs"
    agreeing = rows["agrees"].sum()
    text = f"{agreeing} of {len(rows)} cells agree within their intervals ({agreeing / len(rows):.1%}; "
    text += f"promised on one machine: {AGREEING:.0%})"
    apart = _factor(rows["ratio"][~rows["agrees"]])
    return text if apart.empty else f"{text}; the others are up to {apart.max():.2f}× apart"


def write_agreement(rows: pd.DataFrame, other: str, folder: Path) -> None:
    """Write agreement.csv, .parquet and .md of a run; .md has only the cells that do not agree with the other run's."""
    write_table(rows, folder / "agreement")
    text = f"# Against another run\n\nThis run and {other}: {agreement_text(rows)}.\n"
    apart = rows[~rows["agrees"].astype(bool)].sort_values("ratio", key=_factor, ascending=False, kind="stable")
    if not apart.empty:
        text += "\nThose that do not; *ratio* is this run's images per second ÷ the other's.\n\n"
        text += markdown(apart[list(SHOWN)])
    write_text(folder / "agreement.md", text)


def _factor(ratio: pd.Series[float]) -> pd.Series[float]:
    """The larger of two figures ÷ the smaller."""
    return pd.Series(np.maximum(ratio, 1 / ratio))


def _text(value: object) -> str:
    return "" if pd.isna(value) else str(value)  # type: ignore[call-overload]  # of a cell of a table
