"""What makes a VAE fast in a framework: the optimisation steps of each stage, one line each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..report.tables import frame, markdown, write_table, write_whole
from .judge.comparisons import LADDER_COLUMNS, Row

LEGEND = """\
Each optimisation step adds one setting to those before it. The steps of one stage alternate in blocks within one
process; *ms per call* is of the step before → of the step; *× the one before* and *× published* are medians of the
ratios of blocks, in brackets their 95 % interval by order statistics. Below 1 is faster. Only outputs that were proven
equal to the definition have a figure. What the harness adds to a call is subtracted where it is over 1 %."""

SHOWN = ("what it adds", "ms per call", "× the one before", "× published", "verdict")


def write_ladders(rows: Sequence[Row], folder: Path) -> None:
    """ladders.csv, .parquet and .md.

    Args:
        rows: of `analysis.duels.ladder_rows`.
        folder: the run's.
    """
    write_table(frame(rows, LADDER_COLUMNS), folder / "ladders")
    text = f"# What makes a VAE fast in your framework\n\n{LEGEND}\n"
    for name in dict.fromkeys(row["duel"] for row in rows):
        own = [row for row in rows if row["duel"] == name]
        table = pd.DataFrame([_shown(row) for row in own], columns=list(SHOWN))
        text += f"\n## {name.removeprefix('ladder-')}\n\nAgainst {own[0]['against']}.\n\n{markdown(table)}"
    write_whole(folder / "ladders.md", lambda path: path.write_text(text, encoding="utf-8"))


def _shown(row: Row) -> list[Any]:
    what = row["adds"] or row["rung"]
    if row["ms"] is None:
        return [what, "", "", "", f"{row['verdict']}: {row['reason']}"]
    published = row["of_published"], row["of_published_lower"], row["of_published_upper"]
    return [
        what,
        f"{row['against_ms']:.3g} → {row['ms']:.3g}",
        _ratio(row["ratio"], row["lower"], row["upper"]),
        _ratio(*published) if published[0] is not None else "",
        row["verdict"],
    ]


def _ratio(median: float, lower: float, upper: float) -> str:
    return f"{median:.2f} ({lower:.2f}–{upper:.2f})"
