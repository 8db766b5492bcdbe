"""`elbostone theta`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ..backends.base import cpu_count
from ..backends.table import BACKENDS, one_of
from ..claims.phase import gather_and_judge
from ..notations.notation import Notation
from ..notations.registry import notations
from ..reference.errors import EnvironmentLacks
from ..report.console import print_json, print_table, shown_path, stderr
from ..report.options import AsJson, Backends, Out
from ..workers.pool import OnRecord
from ..workers.records import CellRecord
from ..workers.run_folder import RunFolder, create_run
from ..workers.scratch import own_folder
from ..workers.selection import Selection
from .judge.answer import Answer
from .phase import compute
from .records import ThetaRecord
from .start import absent
from .tables import answer_tables, long_tables, write_answer
from .trainings import COMMITTED, Trained, load_trained
from .trainings import train as train_all

Train = Annotated[
    bool,
    typer.Option("--train", help="Train again (minutes) instead of printing the committed training runs."),
]
Timeout = Annotated[float, typer.Option("--timeout", help="Seconds that one backend may take.", min=1)]

THETA_TIMEOUT_S = 900.0


def theta(
    backend: Backends = None,
    train: Train = False,
    out: Out = Path("reports"),
    timeout: Timeout = THETA_TIMEOUT_S,
    as_json: AsJson = False,
) -> None:
    """Compute what the subscript θ means: what p_θ depends on, in small exact models and in a trained VAE."""
    backends = chosen_backends(backend or ())
    trained = None if train else load_trained()
    folder = create_run(out, {"verb": "theta", "backends": list(backend or ()), "train": train, "timeout_s": timeout})
    records: list[ThetaRecord] = []
    with TemporaryDirectory(dir=own_folder()) as name:
        scratch = Path(name)
        if trained is None:
            with waiting("trainings", backends) as advance:
                trained, found = train_all(
                    backends, scratch / "train", folder.path / "trained", timeout_s=timeout, on_record=advance
                )
            records += found.values()
            made = shown_path(folder.path / "trained")
            stderr.print(f"trainings: {made} (those that are committed: {COMMITTED})", soft_wrap=True)
        answer, found = answer_with(backends, trained, scratch / "compute", timeout)
        records += found.values()
    _finish(answer, records, folder, as_json)


def chosen_backends(names: Sequence[str]) -> list[str]:
    """These backends, each once; all of them where none is named.

    Raises:
        BadInput: one is unknown.
        EnvironmentLacks: one is not installed.
    """
    for name in names:
        if BACKENDS[one_of("backend", name, tuple(BACKENDS))].lacking():
            raise EnvironmentLacks(BACKENDS[name].remedy())
    return list(dict.fromkeys(names)) or list(BACKENDS)


def answer_with(
    backends: Sequence[str], trained: Trained, scratch: Path, timeout_s: float
) -> tuple[Answer | None, dict[str, ThetaRecord]]:
    """`phase.compute`, with the claims of all notations executed and a bar that shows how far it is."""
    with waiting("theta", backends, claims=len(notations())) as advance:
        return compute(
            backends,
            trained,
            scratch,
            held_claims=lambda name, folder: held_claims(name, folder, timeout_s, advance),
            timeout_s=timeout_s,
            on_record=advance,
        )


def held_claims(
    backend: str, scratch: Path, timeout_s: float, on_record: OnRecord
) -> Iterator[tuple[Notation, set[str]]]:
    """Each notation with the printed distributions whose claims were executed on a backend and hold."""
    scratch.mkdir()
    selection = Selection(tuple(notations().values()), backends=(backend,))
    rows = gather_and_judge(RunFolder(scratch), selection, cpus=cpu_count(), timeout_s=timeout_s, on_record=on_record)
    for notation in selection.notations:
        wrong = {row["symbol"] for row in rows if row["notation"] == notation.id and row["verdict"] != "equal"}
        held = {claim.distribution for claim in notation.claims if f"claims {claim.distribution}" not in wrong}
        yield notation, set() if "all" in wrong else held


def _finish(answer: Answer | None, records: Sequence[ThetaRecord], folder: RunFolder, as_json: bool) -> None:
    without = absent(records)
    failed = any(record.status in ("failed", "timeout") for record in records)
    if answer is None:
        if as_json:
            print_json({"schema": 1, "run": str(folder.path), "backends": without})
        else:
            print_table("Nothing was computed", ("backend", "why"), list(without.items()))
        raise typer.Exit(int(failed))
    write_answer(answer, without, folder.path)
    if as_json:
        document = {"schema": 1, "run": str(folder.path), "backends": without, "conclusions": answer.conclusions}
        print_json({**document, "holds": answer.holds, **long_tables(answer)})
    else:
        _print(answer, without)
    stderr.print(f"tables: {shown_path(folder.path)}/theta.md, with .csv and .parquet", soft_wrap=True)
    raise typer.Exit(int(failed or not answer.holds))


def _print(answer: Answer, without: dict[str, str]) -> None:
    for table in answer_tables(answer, without):
        print_table(table.title, table.columns, table.rows)
        for note in table.notes:
            print(textwrap.fill(note, min(Console().width, 120), initial_indent="• ", subsequent_indent="  "))
        print()


@contextmanager
def waiting(title: str, backends: Sequence[str], claims: int = 0) -> Iterator[OnRecord]:
    """A bar on stderr that advances with the record of each backend, then with the record of each notation's claims.

    Its text names the backends still at work; a backend that failed has a line of its own.
    """
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    left, total = list(backends), len(backends) + claims
    with Progress(*columns, TimeElapsedColumn(), console=stderr) as bar:
        task = bar.add_task(f"{title}: {', '.join(left)}", total=total)

        def advance(record: CellRecord) -> None:
            if isinstance(record, ThetaRecord):
                left.remove(record.cell.backend)
                if record.status in ("failed", "timeout"):
                    line = f"{record.status}: {record.cell.backend}: {record.reason}"
                    bar.console.print(line, soft_wrap=True, markup=False)
            bar.advance(task)
            rest = "judging" if bar.tasks[task].completed == total else "reference and claims"
            bar.update(task, description=f"{title}: {', '.join(left) or rest}")

        yield advance
