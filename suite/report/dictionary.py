"""The data dictionary of a run: every column of its tables, with type and meaning."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pyarrow import parquet

from .tables import frame, write_summarised

NAME = "dictionary"
COLUMNS = ("table", "column", "type", "meaning")
ANY = "any"


def write_dictionary(folder: Path) -> None:
    """dictionary.csv, .parquet and .md of the tables that a run folder has as Parquet."""
    title = "Every column of this run's tables"
    write_summarised(frame(rows_of(folder), COLUMNS), folder / NAME, title)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """A row per table and column, for the tables that `dictionary.toml` knows, in the order of the files' names."""
    found = []
    for path in sorted(folder.glob("*.parquet")):
        if path.stem in meanings():
            schema = parquet.read_schema(path)
            found += [
                {"table": path.stem, "column": name, "type": str(kind), "meaning": meaning(path.stem, name)}
                for name, kind in zip(schema.names, schema.types, strict=True)
            ]
    return found


def meaning(table: str, column: str) -> str:
    """The meaning of a column; empty where `dictionary.toml` has none."""
    known = meanings()[table] | {name: text for name, text in meanings()[ANY].items() if name not in meanings()[table]}
    return next((text for pattern, text in known.items() if fnmatchcase(column, pattern)), "")


@cache
def meanings() -> dict[str, dict[str, str]]:
    """Table → pattern of a column's name → its meaning."""
    text = (files("elbostone.report") / "dictionary.toml").read_text(encoding="utf-8")
    document: dict[str, dict[str, str]] = tomllib.loads(text)
    return document
