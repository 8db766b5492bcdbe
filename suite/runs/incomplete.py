"""Incomplete runs: their tables say what is missing, and never replace a table with more rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..reference.files import read_text, write_text
from ..report.tables import rows_if_any
from ..workers.records import CELL_FIELDS, CLAIMS, EQUALITY
from ..workers.run_folder import RunFolder

#: Table → the kind of the records that it is made of, and fields that a record and its rows share.
SOURCES = {
    "equivalence": (EQUALITY, CELL_FIELDS),
    "claims": (CLAIMS, ("notation", "backend")),
    "throughput": ("throughput", ("workload", "stage", "batch", "notation", "backend", "device", "dtype", "mode")),
}
MARK = "> **Incomplete**"


def gone_from(folder: RunFolder) -> str:
    """Which tables of a run have rows whose records are gone, in words; empty where none has.

    Such a table has more than could be written in its place.
    """
    records, said = folder.documents(), []
    for name, (kind, fields) in SOURCES.items():
        there = {_key(record, fields) for record in records if record["kind"] == kind}
        gone = {_key(row, fields) for row in rows_if_any(folder.path / f"{name}.parquet")} - there
        if gone:
            said.append(f"{name}.parquet has {len(gone)} cells without a record")
    return ", ".join(said)


def _key(values: Mapping[str, Any], fields: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(values.get(field)) for field in fields)


def mark_incomplete(folder: RunFolder, lacking: str) -> None:
    """Write into every Markdown table of a run's outcomes which records the run lacks."""
    for name in (*SOURCES, "trust"):
        path = folder.path / f"{name}.md"
        if path.exists():
            title, _, rest = read_text(path).partition("\n")
            if not rest.lstrip().startswith(MARK):
                write_text(path, f"{title}\n\n{MARK}: {lacking}.\n{rest}")
