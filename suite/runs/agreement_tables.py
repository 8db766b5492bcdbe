"""Two runs against each other: the table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ..report.tables import frame, markdown, write_table, write_whole
from .agreement import COLUMNS, Row, agreement_text

SHOWN = ("workload", "stage", "batch", "notation", "backend", "dtype", "mode", "rung", "ratio", "agrees", "stable")


def write_agreement(rows: Sequence[Row], other: str, folder: Path) -> None:
    """agreement.csv, .parquet and .md; the latter has the cells that do not agree.

    Args:
        rows: of `agreement.agreement_rows`.
        other: the run that this one is held against, in words.
        folder: the run's.
    """
    write_table(frame(rows, COLUMNS), folder / "agreement")
    apart = sorted((row for row in rows if not row["agrees"]), key=lambda row: -max(row["ratio"], 1 / row["ratio"]))
    text = f"# Against another run\n\nThis run and {other}: {agreement_text(rows)}.\n"
    if apart:
        text += "\nThose that do not; *ratio* is this run's images per second ÷ the other's.\n\n"
        text += markdown(pd.DataFrame([{name: row[name] for name in SHOWN} for row in apart]))
    write_whole(folder / "agreement.md", lambda path: path.write_text(text, encoding="utf-8"))
