"""The tables of claims: claims.csv and .parquet with every entry, claims.md with how many hold and which do not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ..reference.files import write_text
from ..report.tables import FAILING, frame, markdown, write_table
from .judge.evidence import EVERY_WORD
from .judge.misprints import MISPRINT
from .judge.verdicts import COLUMNS, Row

MISPRINT_COLUMNS = ("notation", "misprint", "said", "found", "verified by")
PRINTED = 3
"""Claims of a notation that are printed; where one is false, others that follow from it are."""
SEVERAL = 3
COUNTED = ("notation", "backend", "verdict", "entries")


def write_claims(rows: Sequence[Row], folder: Path) -> None:
    """claims.csv, .parquet and .md of a run."""
    write_table(frame(rows, COLUMNS), folder / "claims")
    counts = Counter((row["notation"], row["backend"], row["verdict"]) for row in rows)
    counted = pd.DataFrame([(*key, count) for key, count in sorted(counts.items())], columns=list(COUNTED))
    text = (
        "# Claims\n\nEvery entry of every notation.toml was executed in float64, on small probes of each kind that the "
        "notation supports. All are in `claims.parquet`, and in `claims.csv`, which `elbostone report` writes.\n\n"
    ) + markdown(counted)
    if found := misprints(rows):
        text += "\n\n## Misprints of the sources\n\n" + markdown(frame(found, MISPRINT_COLUMNS))
    wrong = [row for row in rows if row["verdict"] not in ("equal", "missing")]
    if wrong:
        text += "\n\n## What does not hold\n\n" + markdown(frame(wrong, COLUMNS))
    write_text(folder / "claims.md", f"{text}\n")


def misprints(rows: Sequence[Row]) -> list[Row]:
    """Each misprint that holds: the largest error of the printed formula, and the backends that executed it."""
    found: dict[tuple[str | None, ...], list[str]] = {}
    for row in rows:
        where = str(row["symbol"])
        if row["verdict"] == "equal" and where.startswith(MISPRINT):
            key = (row["notation"], where.removeprefix(MISPRINT), row["claimed"], row["found"])
            found.setdefault(key, []).append(str(row["backend"]))
    return [dict(zip(MISPRINT_COLUMNS, (*key, ", ".join(backends)), strict=True)) for key, backends in found.items()]


def print_claims(rows: Sequence[Row]) -> None:
    """How many entries of notation.toml hold, and the first that do not; nothing where none were executed.

    What is false in one place is false in all that is computed from it: the rest is left to claims.md.
    """
    counts = Counter(row["verdict"] for row in rows)
    if counts:
        print("claims: " + ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    failing: dict[tuple[str | None, str | None], list[Row]] = {}
    for row in rows:
        if row["verdict"] in FAILING:
            failing.setdefault((row["notation"], row["backend"]), []).append(row)
    for (notation, backend), own in failing.items():
        for row in own[:PRINTED]:
            found = re.sub(f"{EVERY_WORD}[^:;]*", "", str(row["found"]))
            fields = str(row["field"])  # of many none is known to be the false one
            doubted = f"{fields}: " if fields.count(",") < SEVERAL else ""
            said = f"{row['symbol']}: {doubted}claimed {row['claimed']}; found {found}"
            print(f"{row['verdict']}: {notation} on {backend}: {said}")
        if len(own) > PRINTED:
            print(f"and {len(own) - PRINTED} more of {notation} on {backend}: claims.md of the run has all")
