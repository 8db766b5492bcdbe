"""Tables: rows as CSV, Parquet and Markdown, each written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

NUMBER = ".3g"
FAILING = ("differs", "failed", "timeout", "unexpected-pass")
"""The verdicts that fail a run."""


def exit_code(rows: Sequence[Mapping[str, Any]]) -> int:
    """1 where any cell fails the run."""
    return int(any(row["verdict"] in FAILING for row in rows))


def frame(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Rows as a table with these columns first; what else the rows hold follows."""
    table = pd.DataFrame(list(rows))
    rest = [name for name in table.columns if name not in columns]
    return table.reindex(columns=[*columns, *rest])


def write_table(table: pd.DataFrame, stem: Path) -> None:
    """`stem`.csv and `stem`.parquet of a table; lists become JSON text."""
    flat = table.copy()
    for name in flat.columns:
        if flat[name].map(lambda value: isinstance(value, list | tuple)).any():
            flat[name] = flat[name].map(lambda value: json.dumps(value) if isinstance(value, list | tuple) else value)
    write_whole(stem.with_suffix(".csv"), lambda path: flat.to_csv(path, index=False))
    write_whole(stem.with_suffix(".parquet"), lambda path: flat.to_parquet(path, index=False))


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
