"""The tables of claims: claims.csv and .parquet with every entry, claims.md with how many hold and which do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ..report.tables import FAILING, frame, markdown, write_table, write_whole
from .judge.verdicts import COLUMNS, Row

COUNTED = ("notation", "backend", "verdict", "entries")


def write_claims(rows: Sequence[Row], folder: Path) -> None:
    """claims.csv, .parquet and .md of a run."""
    write_table(frame(rows, COLUMNS), folder / "claims")
    counts = Counter((row["notation"], row["backend"], row["verdict"]) for row in rows)
    counted = pd.DataFrame([(*key, count) for key, count in sorted(counts.items())], columns=list(COUNTED))
    text = (
        "# Claims\n\nEvery entry of every notation.toml, executed in float64 on small probes of each kind that the "
        "notation supports. Written by `elbostone report`; every entry is in claims.csv.\n\n"
    ) + markdown(counted)
    wrong = [row for row in rows if row["verdict"] not in ("equal", "missing")]
    if wrong:
        text += "\n\n## What does not hold\n\n" + markdown(frame(wrong, COLUMNS))
    write_whole(folder / "claims.md", lambda path: path.write_text(f"{text}\n", encoding="utf-8"))


def print_claims(rows: Sequence[Row]) -> None:
    """How many entries of notation.toml hold, and one line for each that does not; nothing where none were executed."""
    counts = Counter(row["verdict"] for row in rows)
    if counts:
        print("claims: " + ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    for row in rows:
        if row["verdict"] in FAILING:
            said = f"{row['symbol']}: {row['field']}: claimed {row['claimed']}; found {row['found']}"
            print(f"{row['verdict']}: {row['notation']} on {row['backend']}: {said}")
