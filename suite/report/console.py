"""What commands print: progress on stderr, tables and JSON on stdout."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ..workers.records import as_document

stderr = Console(stderr=True)


def shown_path(path: Path) -> str:
    """A path as it is shorter to read: from here, or absolute."""
    return min(str(path), os.path.relpath(path), key=len)


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[msgspec.Struct], None]]:
    """A bar on stderr that goes on with every record."""
    text = TextColumn("{task.description}")
    with Progress(SpinnerColumn(), text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=stderr) as bar:
        task = bar.add_task(title, total=total)

        def advance(record: msgspec.Struct) -> None:
            said = as_document(record)
            if said["status"] in ("failed", "timeout"):
                bar.console.print(f"{said['status']}: {said['notation']} on {said['backend']}: {said['reason']}")
            bar.advance(task)
            done = int(bar.tasks[task].completed)
            bar.update(task, total=max(total, done))  # what is not stable is timed again

        yield advance


def print_json(document: Any) -> None:
    """One JSON document on stdout; numbers keep 17 digits, and NaN and infinity, which JSON lacks, become null."""
    json.dump(_finite(document), sys.stdout, ensure_ascii=False, allow_nan=False)
    print()


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table on stdout; not cut to the terminal's width where stdout is a file."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        # as Text, since a source may print square brackets, which Rich would take for its own markup
        table.add_row(*(Text("" if value is None else str(value)) for value in row))
    Console(width=None if sys.stdout.isatty() else 200).print(table)
