"""Options that several commands share, and how they print."""

from __future__ import annotations

import json
import math
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ..analysis.summary import verdict_counts
from ..analysis.trust import Row as TrustRow
from ..analysis.verdicts import FAILING, Row
from ..definition.errors import BadInput
from ..definition.registry import choose
from ..execution.backends import BACKENDS, DEVICES, DTYPES, MODES
from ..execution.bench.trust import AA
from ..execution.plan import Selection
from ..execution.processes import blind_backends
from ..execution.records import CellRecord, Document, as_document
from ..execution.supervisor import cpu_threads
from ..report.trust import sections

Notations = Annotated[list[str] | None, typer.Option("--notation", help="A notation's id; repeat for several.")]
Backends = Annotated[
    list[str] | None, typer.Option("--backend", help=f"One of {', '.join(BACKENDS)}; repeat for several.")
]
Device = Annotated[str, typer.Option(help=f"One of {', '.join(DEVICES)}.")]
Dtypes = Annotated[list[str] | None, typer.Option("--dtype", help=f"One of {', '.join(DTYPES)}; repeat for several.")]
Modes = Annotated[list[str] | None, typer.Option("--mode", help=f"One of {', '.join(MODES)}; repeat for several.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")]
Out = Annotated[Path, typer.Option(help="Where the run folder is made.")]
Timeout = Annotated[float, typer.Option("--timeout", help="Seconds that one cell may take.", min=1)]
Threads = Annotated[int | None, typer.Option(help="Threads of what is timed [default: all CPUs].", min=1)]
WorkerThreads = Annotated[
    int | None, typer.Option("--threads", help="Threads of one operation [default: backends share the CPUs].", min=1)
]

stderr = Console(stderr=True)


def select(
    notations: Sequence[str] | None,
    backends: Sequence[str] | None,
    device: str,
    dtypes: Sequence[str] | None,
    modes: Sequence[str] | None,
    *,
    gradients: bool = True,
) -> Selection:
    """A checked selection; the device is looked for.

    Raises:
        BadInput: an unknown word.
        EnvironmentLacks: something asked for by name is not here.
    """
    selection = Selection(
        notations=tuple(choose(dict.fromkeys(notations or ()))),
        backends=tuple(dict.fromkeys(backends or ())),
        device=device,
        dtypes=tuple(dict.fromkeys(dtypes or ("float64",))),
        modes=tuple(dict.fromkeys(modes or ("eager",))),
        gradients=gradients,
    )
    selection.check()
    return replace(selection, blind=blind_backends(device, selection.backends))


def checked_threads(threads: int | None) -> int | None:
    """The number asked for; None where none was.

    Raises:
        BadInput: more were asked for than there are.
    """
    if threads is not None and threads > cpu_threads():
        raise BadInput(
            f"--threads: expected at most {cpu_threads()}, the CPUs that this process may use; found {threads}"
        )
    return threads


def thread_count(threads: int | None) -> int:
    """The number asked for, checked, or all CPUs that this process may use."""
    return checked_threads(threads) or cpu_threads()


def shown_path(path: Path) -> str:
    """A path as it is shorter to read: from here, or absolute."""
    return min(str(path), os.path.relpath(path), key=len)


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[CellRecord | Document], None]]:
    """A bar on stderr that goes on with every record."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=stderr, transient=False) as bar:
        task = bar.add_task(title, total=total)

        def advance(record: CellRecord | Document) -> None:
            said = as_document(record) if isinstance(record, CellRecord) else record
            if said["status"] in ("failed", "timeout"):
                what = said.get("notation") or said["duel"]
                bar.console.print(f"{said['status']}: {what} on {said['backend']}: {said['reason']}")
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


def exit_code(rows: Sequence[Row]) -> int:
    """1 where any cell fails the run."""
    return int(any(row["verdict"] in FAILING for row in rows))


def print_verdicts(rows: Sequence[Row]) -> None:
    """How many cells have each verdict, and one line for each that fails the run."""
    counts = verdict_counts(rows)
    print("cells: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    seen = set()
    for row in rows:
        cell = tuple(row[name] for name in ("problem", "notation", "backend", "device", "dtype", "mode"))
        if row["verdict"] in FAILING and cell not in seen:
            seen.add(cell)
            print(f"{row['verdict']}: {' '.join(cell)}: {row['first_divergence'] or row['reason']}")


def print_trust(rows: Sequence[TrustRow]) -> None:
    """What the timings are worth; nothing where a run was not asked to test them."""
    if any(row["promise"] == AA for row in rows):
        for title, columns, lines in sections(rows):
            print_table(title, columns, lines)


def print_claims(rows: Sequence[Row]) -> None:
    """How many entries of notation.toml hold, and one line for each that does not; nothing where none were executed."""
    counts = Counter(row["verdict"] for row in rows)
    if counts:
        print("claims: " + ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    for row in rows:
        if row["verdict"] in FAILING:
            said = f"{row['symbol']}: {row['field']}: claimed {row['claimed']}; found {row['found']}"
            print(f"{row['verdict']}: {row['notation']} on {row['backend']}: {said}")
