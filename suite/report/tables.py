"""Tables: rows as CSV, Parquet and Markdown, each written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any

import pandas as pd
import pyarrow
from pyarrow import parquet

from ..reference.errors import BadInput
from ..reference.files import printable, require_file, write_text, write_whole
from ..workers.records import CELL_FIELDS

NUMBER = ".3g"
#: Table → the columns that every reader needs, and the type of each.
COLUMNS_OF: Mapping[str, Mapping[str, type | UnionType]] = {
    "equivalence": dict.fromkeys((*CELL_FIELDS, "term", "verdict"), str),
    "claims": dict.fromkeys(("notation", "symbol", "field", "backend", "verdict"), str),
    "throughput": dict.fromkeys(("workload", "stage", "notation", "backend", "dtype", "mode"), str)
    | {"images_per_second": int | float | None},
}
FAILING = ("differs", "failed", "timeout", "unexpected-pass")
"""The verdicts that fail a run."""


def exit_code(rows: Sequence[Mapping[str, Any]]) -> int:
    """1 where any cell fails the run."""
    return int(any(row["verdict"] in FAILING for row in rows))


def frame(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Rows as a table, these columns first and then the others. No value is converted."""
    names = list(dict.fromkeys([*columns, *(name for row in rows for name in row)]))
    return pd.DataFrame([[row.get(name) for name in names] for row in rows], columns=names, dtype=object)


def write_table(table: pd.DataFrame, stem: Path) -> None:
    """`stem`.csv, where lists are JSON text, and `stem`.parquet, which `read_rows` reads."""
    columns = {str(name): table[name].tolist() for name in table.columns}
    flat = pd.DataFrame({name: list(map(_flat, values)) for name, values in columns.items()}, dtype=object)
    write_whole(stem.with_suffix(".csv"), lambda path: flat.to_csv(path, index=False, errors="backslashreplace"))
    typed = pyarrow.table(columns)
    write_whole(
        stem.with_suffix(".parquet"),
        lambda path: parquet.write_table(typed, path, compression="zstd", compression_level=9),
    )


def write_summarised(table: pd.DataFrame, stem: Path, title: str) -> None:
    """`write_table`, and all rows as `stem`.md under a title."""
    write_table(table, stem)
    text = f"# {title}\n\n{markdown(table)}"
    write_text(stem.with_suffix(".md"), text)


def rows_if_any(path: Path) -> list[dict[str, Any]]:
    """The rows of a table; none where the run has no such table. Raises BadInput where the file is not Parquet."""
    return read_rows(path) if path.exists() else []


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a table that `write_table` left as Parquet, as they were.

    Raises:
        BadInput: there is no such file, or it is no Parquet.
    """
    if not path.exists():
        raise BadInput(f"{path}: expected a table of the run; it has none")
    require_file(path)
    try:
        rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise BadInput(f"{path}: expected Parquet; found {(str(error).splitlines() or ['nothing'])[0]}") from None
    for name, kind in COLUMNS_OF.get(path.stem, {}).items():
        for row in rows:
            if name not in row or not isinstance(row[name], kind):
                said = getattr(kind, "__name__", str(kind))
                raise BadInput(f"{path}: expected {name} of type {said} in each row; found {row.get(name)!r}")
    return rows


def _flat(value: Any) -> Any:
    """A value for CSV: a list as JSON, and no text that a spreadsheet or a terminal would execute."""
    if isinstance(value, list | tuple):
        return json.dumps(value)
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if len(text) > 1 and text[0] in "=+-@\t" else text


def markdown(table: pd.DataFrame) -> str:
    """A table as GitHub Markdown; empty where a value is missing."""
    return table.map(_cell_text).to_markdown(index=False, disable_numparse=True) + "\n"


def _cell_text(value: Any) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and pd.isna(value)):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:{NUMBER}}"
    return printable(str(value)).replace("|", "\\|").replace("\n", " ").replace("<", "\\<")
