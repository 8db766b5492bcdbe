"""Runs that nobody has made: with hardly anything, with what failed, with too much, and with what attacks a page."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from page.opened import copied

from elbostone.notations.registry import notations
from elbostone.report.tables import frame, read_rows, write_table
from elbostone.workers.run_folder import RunFolder

Row = dict[str, Any]
HOSTILE = "<script>alert('page')</script>"


def hostile() -> dict[str, Any]:
    """All notations, and one with markup in what it prints, 300 letters, and text from right to left."""
    known = dict(notations())
    one = known["prince_2023"]
    long, right_to_left = "n" * 300, "מקודד"
    source = msgspec.structs.replace(one.source, title=f"{HOSTILE} {long}", authors=(f"{right_to_left} {HOSTILE}",))
    symbols = tuple(
        msgspec.structs.replace(
            s, code=f"{s.code}{HOSTILE}", note=HOSTILE, tex=rf"\text{{{HOSTILE}}}" if s.role == "data" else s.tex
        )
        for s in one.symbols
    )
    return known | {HOSTILE: replace(one, id=HOSTILE, source=source, symbols=symbols)}


def run_with(folder: Path, change: Callable[[list[Row]], list[Row]]) -> RunFolder:
    """The committed quick run with other rows of equality."""
    run = copied(folder)
    rows = read_rows(run.path / "equivalence.parquet")
    write_table(frame(change(rows), tuple(rows[0])), run.path / "equivalence")
    return run


def cell(row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in ("problem", "notation", "backend", "device", "dtype", "mode"))


def one_cell(rows: list[Row]) -> list[Row]:
    return [row for row in rows if cell(row) == cell(next(row for row in rows if row["term"]))]


def all_failed(rows: list[Row]) -> list[Row]:
    """Each cell with one row, which has no tensor and an unpleasant reason."""
    first = list({cell(row): row for row in rows}.values())
    nothing = dict.fromkeys(("worst_error", "tolerance", "worst_ulps", "worst_index", "first_divergence"))
    return [row | nothing | {"term": "", "verdict": "failed", "reason": f"{HOSTILE} {'x' * 300}"} for row in first]


def many(rows: list[Row]) -> list[Row]:
    """2,000 cells or more."""
    cells = len({cell(row) for row in rows})
    return [row | {"problem": f"{row['problem']}-{i}"} for i in range(2000 // cells + 1) for row in rows]
