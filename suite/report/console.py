"""What commands print: progress on stderr, tables and JSON on stdout."""

from __future__ import annotations

import errno
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ..reference.files import printable
from ..workers.records import as_document


class _Console(Console):
    """A console whose reader may close the pipe: Rich itself would then exit with its own code."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


# The output may quote any text, so square brackets are no markup.
stderr = _Console(stderr=True, markup=False)

GAP = 2
"""Columns of a terminal between two columns of a table."""


def shown_path(path: Path) -> str:
    """A path relative to the current folder or absolute, whichever is shorter."""
    try:
        return printable(min(str(path), os.path.relpath(path), key=len))
    except FileNotFoundError:  # the current folder was removed
        return printable(str(path))


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[msgspec.Struct], None]]:
    """A progress bar on stderr that advances with every record."""
    text = TextColumn("{task.description}", markup=False)
    with Progress(SpinnerColumn(), text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=stderr) as bar:
        task = bar.add_task(title, total=total)

        def advance(record: msgspec.Struct) -> None:
            said = as_document(record)
            if said["status"] in ("failed", "timeout"):
                line = f"{said['status']}: {said['notation']} on {said['backend']}: {said['reason']}"
                bar.console.print(line)
            if said.get("left_behind"):
                line = f"{said['notation']} on {said['backend']} left behind: {'; '.join(said['left_behind'])}"
                bar.console.print(f"{line}. The next cells run in another worker.")
            bar.advance(task)
            done = int(bar.tasks[task].completed)
            bar.update(task, total=max(total, done))  # unstable timings are repeated

        yield advance


def print_json(document: Any) -> None:
    """One JSON document on stdout; numbers keep 17 digits, and NaN and infinity, which JSON lacks, become null.

    Letters that stdout cannot write, and lone surrogates, are escapes of JSON.
    """
    text = json.dumps(_finite(document), ensure_ascii=False, allow_nan=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(_finite(document), allow_nan=False)
    sys.stdout.write(text)
    print()


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    once: Sequence[str] = (),
    spare: Sequence[str] = (),
) -> None:
    """A table on stdout, as wide as the terminal, or 200 columns where stdout is a file.

    Words and names stay whole: a cell is broken between words alone, as long as the terminal has the room.

    Args:
        title: above it.
        columns: their names, which differ from each other.
        rows: a value for each column; None is empty.
        once: columns that move to the title where all rows have the same value.
        spare: columns that a narrow terminal omits, one after the other, until no name is broken.
    """
    console = _Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    assert len(set(columns)) == len(columns), columns
    texts = {name: ["" if row[i] is None else str(row[i]) for row in rows] for i, name in enumerate(columns)}
    for name in once:
        if len(same := set(texts[name])) == 1:
            title += f"; {name}: {same.pop()}"
            del texts[name]
    left_out = []
    for name in (name for name in spare if name in texts):
        if sum(_least(name, cells) + GAP for name, cells in texts.items()) <= console.width:
            break
        left_out.append(name)
        del texts[name]
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name, width in zip(texts, _widths(texts, console.width - GAP * len(texts)), strict=True):
        table.add_column(name, overflow="fold", width=width)
    for row in zip(*texts.values(), strict=True):
        # as Text, since a source may print square brackets, which Rich would read as markup
        table.add_row(*map(Text, row))
    console.print(Text(title, style="italic"), soft_wrap=True)
    console.print(table)
    if left_out:
        console.print(
            f"Not shown at {console.width} columns: {', '.join(left_out)}. A wider terminal or --json shows all."
        )


def _least(name: str, cells: Sequence[str]) -> int:
    """Width of a column in which every word is whole."""
    return max(cell_len(word) for text in (name, *cells) for word in text.split() or [""])


def _widths(texts: Mapping[str, Sequence[str]], room: int) -> list[int]:
    """The width of each column: its longest word, and more where there is room, the narrowest first."""
    widths = [_least(name, cells) for name, cells in texts.items()]
    most = [max(map(cell_len, (name, *cells))) for name, cells in texts.items()]
    while sum(widths) < room and (short := [i for i, width in enumerate(widths) if width < most[i]]):
        widths[min(short, key=lambda i: widths[i])] += 1
    return widths
