"""The tables of claims: claims.csv and .parquet with every entry, claims.md with how many hold and which do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ..report.tables import FAILING, frame, markdown, write_table, write_whole
from .judge.misprints import MISPRINT
from .judge.verdicts import COLUMNS, Row

MISPRINT_COLUMNS = ("notation", "misprint", "said", "found", "verified by")
COUNTED = ("notation", "backend", "verdict", "entries")


def write_claims(rows: Sequence[Row], folder: Path) -> None:
    """claims.csv, .parquet and .md of a run."""
    write_table(frame(rows, COLUMNS), folder / "claims")
    counts = Counter((row["notation"], row["backend"], row["verdict"]) for row in rows)
    counted = pd.DataFrame([(*key, count) for key, count in sorted(counts.items())], columns=list(COUNTED))
    text = (
        "# Claims\n\nEvery entry of every notation.toml, executed in float64 on small probes of each kind that the "
        "notation supports. All are in `claims.parquet`, and in `claims.csv`, which `elbostone report` writes.\n\n"
    ) + markdown(counted)
    if found := misprints(rows):
        text += "\n\n## Misprints of the sources\n\n" + markdown(frame(found, MISPRINT_COLUMNS))
    wrong = [row for row in rows if row["verdict"] not in ("equal", "missing")]
    if wrong:
        text += "\n\n## What does not hold\n\n" + markdown(frame(wrong, COLUMNS))
    write_whole(folder / "claims.md", lambda path: path.write_text(f"{text}\n", encoding="utf-8"))


def misprints(rows: Sequence[Row]) -> list[Row]:
    """Each misprint that was executed and found to be one: how far what is printed is off, and on which backends."""
    found: dict[tuple[str | None, ...], list[str]] = {}
    for row in rows:
        where = str(row["symbol"])
        if row["verdict"] == "equal" and where.startswith(MISPRINT):
            key = (row["notation"], where.removeprefix(MISPRINT), row["claimed"], row["found"])
            found.setdefault(key, []).append(str(row["backend"]))
    return [dict(zip(MISPRINT_COLUMNS, (*key, ", ".join(backends)), strict=True)) for key, backends in found.items()]


def print_claims(rows: Sequence[Row]) -> None:
    """How many entries of notation.toml hold, and one line for each that does not; nothing where none were executed."""
    counts = Counter(row["verdict"] for row in rows)
    if counts:
        print("claims: " + ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    for row in rows:
        if row["verdict"] in FAILING:
            said = f"{row['symbol']}: {row['field']}: claimed {row['claimed']}; found {row['found']}"
            print(f"{row['verdict']}: {row['notation']} on {row['backend']}: {said}")
