"""Tables: rows as CSV, Parquet and Markdown, each written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow
from pyarrow import parquet

from ..reference.errors import BadInput

NUMBER = ".3g"
FAILING = ("differs", "failed", "timeout", "unexpected-pass")
"""The verdicts that fail a run."""


def exit_code(rows: Sequence[Mapping[str, Any]]) -> int:
    """1 where any cell fails the run."""
    return int(any(row["verdict"] in FAILING for row in rows))


def frame(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Rows as a table with these columns first; what else the rows hold follows. Every value stays what it is."""
    names = list(dict.fromkeys([*columns, *(name for row in rows for name in row)]))
    return pd.DataFrame([[row.get(name) for name in names] for row in rows], columns=names, dtype=object)


def write_table(table: pd.DataFrame, stem: Path) -> None:
    """`stem`.csv, where lists are JSON text, and `stem`.parquet, which `read_rows` reads."""
    columns = {str(name): table[name].tolist() for name in table.columns}
    flat = pd.DataFrame({name: list(map(_flat, values)) for name, values in columns.items()}, dtype=object)
    write_whole(stem.with_suffix(".csv"), lambda path: flat.to_csv(path, index=False))
    typed = pyarrow.table(columns)
    write_whole(
        stem.with_suffix(".parquet"),
        lambda path: parquet.write_table(typed, path, compression="zstd", compression_level=9),
    )


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a table that `write_table` left as Parquet, as they were.

    Raises:
        BadInput: there is no such file, or it is no Parquet.
    """
    try:
        rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    except FileNotFoundError:
        raise BadInput(f"{path}: expected a table of the run; it has none") from None
    except (OSError, pyarrow.ArrowException) as error:
        raise BadInput(f"{path}: expected Parquet; found {str(error).splitlines()[0]}") from None
    return rows


def _flat(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | tuple) else value


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Write beside the target and rename, so that a reader never sees half a file."""
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


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
    return str(value).replace("|", "\\|").replace("\n", " ")
