"""`elbostone theta`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ..backends.table import BACKENDS, one_of
from ..claims.phase import gather_and_judge
from ..notations.notation import Notation
from ..notations.registry import notations
from ..reference.errors import EnvironmentLacks
from ..report.console import print_json, print_table, shown_path, stderr
from ..report.options import AsJson, Backends, Out
from ..workers.pool import OnRecord
from ..workers.run_folder import RunFolder, create_run
from ..workers.scratch import own_folder
from ..workers.selection import Selection
from ..workers.supervisor import cpu_threads
from .judge.answer import Answer
from .phase import compute
from .start import Outcome
from .tables import answer_tables, long_tables, write_answer
from .trainings import COMMITTED, load_trained
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
    outcomes: list[dict[str, Outcome]] = []
    with TemporaryDirectory(dir=own_folder()) as name:
        scratch = Path(name)
        if trained is None:
            with waiting("trainings", backends) as shown:
                trained, found = train_all(
                    backends, scratch / "train", folder.path / "trained", timeout_s=timeout, on_outcome=shown.outcome
                )
            outcomes.append(found)
            made = shown_path(folder.path / "trained")
            stderr.print(f"trainings: {made} (those that are committed: {COMMITTED})", soft_wrap=True)
        with waiting("theta", backends, claims=len(notations())) as shown:
            answer, found = compute(
                backends,
                trained,
                scratch / "compute",
                held_claims=lambda name, folder: held_claims(name, folder, timeout, shown.record),
                timeout_s=timeout,
                on_outcome=shown.outcome,
            )
        outcomes.append(found)
    _finish(answer, outcomes, folder, as_json)


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


def held_claims(
    backend: str, scratch: Path, timeout_s: float, on_record: OnRecord
) -> Iterator[tuple[Notation, set[str]]]:
    """Each notation with the printed distributions whose claims were executed on a backend and hold."""
    scratch.mkdir()
    selection = Selection(tuple(notations().values()), backends=(backend,))
    rows = gather_and_judge(RunFolder(scratch), selection, cpus=cpu_threads(), timeout_s=timeout_s, on_record=on_record)
    for notation in selection.notations:
        wrong = {row["symbol"] for row in rows if row["notation"] == notation.id and row["verdict"] != "equal"}
        held = {claim.distribution for claim in notation.claims if f"claims {claim.distribution}" not in wrong}
        yield notation, set() if "all" in wrong else held


def _finish(answer: Answer | None, outcomes: Sequence[dict[str, Outcome]], folder: RunFolder, as_json: bool) -> None:
    flat = [outcome for found in outcomes for outcome in found.values()]
    absent = {o.backend: f"{o.status}: {o.reason}" for o in flat if o.status != "ok"}
    failed = any(outcome.status in ("failed", "timeout") for outcome in flat)
    if answer is None:
        if as_json:
            print_json({"schema": 1, "run": str(folder.path), "backends": absent})
        else:
            print_table("Nothing was computed", ("backend", "why"), list(absent.items()))
        raise typer.Exit(int(failed))
    write_answer(answer, absent, folder.path)
    if as_json:
        document = {"schema": 1, "run": str(folder.path), "backends": absent, "conclusions": answer.conclusions}
        print_json({**document, "holds": answer.holds, **long_tables(answer)})
    else:
        _print(answer, absent)
    stderr.print(f"tables: {shown_path(folder.path)}/theta.md, with .csv and .parquet", soft_wrap=True)
    raise typer.Exit(int(failed or not answer.holds))


def _print(answer: Answer, absent: dict[str, str]) -> None:
    for table in answer_tables(answer, absent):
        print_table(table.title, table.columns, table.rows)
        for note in table.notes:
            print(textwrap.fill(note, min(Console().width, 120), initial_indent="• ", subsequent_indent="  "))
        print()


class Shown:
    """The text of a bar on stderr: the backends still at work, then the claims of notations.

    Args:
        bar: the bar of `waiting`.
        title: title of the work.
        backends: backends without an outcome.
        claims: number of notations whose claims are executed after them.
    """

    def __init__(self, bar: Progress, title: str, backends: Sequence[str], claims: int):
        self._bar, self._title, self._left, self._claims = bar, title, list(backends), claims
        self._task = bar.add_task(self._said(), total=len(backends) + claims)

    def outcome(self, outcome: Outcome) -> None:
        """A backend has ended; one that brings nothing has a line of its own."""
        self._left.remove(outcome.backend)
        if outcome.status in ("failed", "timeout"):
            line = f"{outcome.status}: {outcome.backend}: {outcome.reason}"
            self._bar.console.print(line, soft_wrap=True, markup=False)
        self._bar.update(self._task, advance=1, description=self._said())

    def record(self, record: msgspec.Struct) -> None:
        """The claims of a notation were executed."""
        self._claims -= 1
        self._bar.update(self._task, advance=1, description=self._said())

    def _said(self) -> str:
        next_ = "reference and claims" if self._claims else "judging"
        return f"{self._title}: {', '.join(self._left) or next_}"


@contextmanager
def waiting(title: str, backends: Sequence[str], claims: int = 0) -> Iterator[Shown]:
    """A bar that advances with every backend, and then with the claims of every notation."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=stderr) as bar:
        yield Shown(bar, title, backends, claims)
