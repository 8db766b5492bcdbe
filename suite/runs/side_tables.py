"""The other tables of a run: symbols, exclusions, environment, and the data dictionary of all tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ..equality.exclusions import load_exclusions
from ..equality.judge import by_cell
from ..equality.tables import used
from ..notations.glossary import glossary
from ..notations.plain_tex import plain
from ..notations.registry import notations
from ..notations.roles import ROLES
from ..report.dictionary import meanings, write_dictionary
from ..report.tables import frame, write_summarised
from ..workers.run_folder import RunFolder
from ..workers.run_settings import RunSettings

Row = Mapping[str, Any]


def write_side_tables(run: RunFolder, equality: Sequence[dict[str, Any]], claims: Sequence[Row]) -> None:
    """symbols, exclusions and environment as CSV, Parquet and Markdown; then the dictionary of all tables."""
    tables = {
        "symbols": ("What each symbol means", symbols(claims)),
        "exclusions": ("Known differences", exclusions(equality)),
        "environment": ("Where the run was made", environment(run.settings())),
    }
    for name, (title, rows) in tables.items():
        columns = rows[0] if rows else meanings()[name]
        write_summarised(frame(rows, tuple(columns)), run.path / name, title)
    write_dictionary(run.path)


def symbols(claims: Sequence[Row]) -> list[dict[str, Any]]:
    """The glossary, a row per symbol and source."""
    return [
        {
            "notation": entry.notation.id,
            "role": entry.symbol.role,
            "meaning": ROLES[entry.symbol.role].meaning,
            "symbol": plain(entry.symbol.tex),
            "code": entry.symbol.code,
            "scale": entry.symbol.scale or "",
            "covers": " ".join(entry.symbol.covers),
            "sign": entry.symbol.sign,
            "equation": entry.symbol.equation,
            "known": entry.known or "",
            "verified": " ".join(entry.verified),
            "refuted": " ".join(entry.refuted),
        }
        for entry in glossary(notations().values(), claims)
    ]


def exclusions(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries of exclusions.toml, with the number of cells of this run that each covers."""
    cells = by_cell(rows)
    found = []
    for entry in load_exclusions():
        own = [row for cell, group in cells.items() if entry.matches(cell) for row in group]
        excluded = [row for row in own if row["verdict"] == "excluded"]
        furthest = max((row for row in excluded if row["first_divergence"]), key=used, default=None)
        found.append(
            {
                "cell": ", ".join(f"{field} = {pattern}" for field, pattern in entry.cell.items()),
                "reason": entry.reason,
                "link": entry.link,
                "strict": entry.strict,
                "cells": len(by_cell(excluded)),
                "numbers": furthest["first_divergence"] if furthest else "",
            }
        )
    return found


def environment(settings: RunSettings) -> list[dict[str, Any]]:
    """run.json as a table: a row per field and per package, without the typed command, which may name a folder."""
    document = msgspec.to_builtins(settings)
    del document["command"]
    packages = document.pop("packages")
    return [{"name": name, "value": str(value)} for name, value in (document | packages).items()]
