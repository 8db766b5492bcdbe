"""`elbostone check`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from ..claims.phase import tabulate_claims
from ..equality.phase import Equality, load_problems
from ..equality.plan import require_cells
from ..reference.problem import Problem, save_problem
from ..report.console import print_json, shown_path, stderr
from ..report.options import (
    TIMEOUT_S,
    AsJson,
    Backends,
    Device,
    Dtypes,
    Modes,
    Notations,
    Out,
    Timeout,
    WorkerThreads,
    checked_threads,
    select,
)
from ..workers.run_folder import RunFolder, create_run, open_for_resume
from ..workers.selection import Selection
from ..workers.supervisor import cpu_threads
from .presets import claims_sample, equality_sample
from .run import Judged, Resume, prove


@dataclass(frozen=True)
class CheckOrder:
    """The options of `check`; kept in run.json, so that the run can be resumed after a kill."""

    verb: str
    problems: list[str]
    notations: list[str]
    backends: list[str]
    device: str
    dtypes: list[str]
    modes: list[str]
    threads: int
    timeout_s: float


def check(
    problem: Annotated[
        list[Path] | None, typer.Argument(help="PROBLEM.json files; the digits by default.", show_default=False)
    ] = None,
    notation: Notations = None,
    backend: Backends = None,
    device: Device = "cpu",
    dtype: Dtypes = None,
    mode: Modes = None,
    out: Out = Path("reports"),
    resume: Resume = None,
    timeout: Timeout = TIMEOUT_S,
    threads: WorkerThreads = 1,
    as_json: AsJson = False,
) -> None:
    """Check every matching cell against the reference and every other cell, and what each notation claims."""
    folder = None
    if resume is None:
        problems = load_problems(problem or ())
        names = [each.name for each in problems]
        words = notation or [], backend or [], device, dtype or ["float64", "float32"], mode or []
        order = CheckOrder("check", names, *words, checked_threads(threads), timeout)
    else:
        folder = open_for_resume(resume)
        order = folder.order(CheckOrder, ("check",))
        problems = [folder.problem(name) for name in order.problems]
    selection = select(order.notations, order.backends, order.device, order.dtypes, order.modes)

    @contextmanager
    def run_folder() -> Iterator[RunFolder]:
        own = folder or create_run(out, vars(order))
        with own.alone():
            for each in problems:  # a run that goes on reads them there
                if not (own.problems / f"{each.name}.json").exists():
                    save_problem(each, own.problems)
            yield own

    judged = check_cells(problems, selection, run_folder(), timeout_s=order.timeout_s, threads=order.threads)
    if as_json:
        document = {"schema": 1, "run": str(judged.folder.path), "rows": judged.rows, "claims": judged.claims}
        print_json(document)
    else:
        judged.print(timed=False)
    tables = "equivalence.csv, .parquet, .md" + (", and claims likewise" if judged.claims else "")
    stderr.print(f"tables: {shown_path(judged.folder.path)}/{tables}", soft_wrap=True)
    raise typer.Exit(judged.exit_code())


def check_cells(
    problems: Sequence[Problem],
    selection: Selection,
    run_folder: AbstractContextManager[RunFolder],
    *,
    timeout_s: float,
    threads: int,
) -> Judged:
    """Run the cells of some problems, or of the embedded digits where there are none, and the notations' claims.

    Args:
        problems: each runs in all selected cells.
        selection: the cells.
        run_folder: made as soon as there are cells to run.
        timeout_s: how long one cell may take.
        threads: threads of one operation.

    Raises:
        BadInput: no cell is selected that defines one of the problems.
    """
    # An embedded problem runs in those of the chosen notations that its preset has.
    asked = [(loaded, selection) for loaded in problems] or [
        (embedded, replace(selection, notations=chosen[0].notations)) for embedded, chosen in equality_sample(selection)
    ]
    require_cells([loaded for loaded, _ in asked], selection)
    # A user's own problem tests itself alone, so that no claims are executed.
    claimed = None if problems else claims_sample(selection, full=False)
    with run_folder as folder:
        equality = Equality(folder, cpu_threads(), timeout_s, threads)
        for loaded, wanted in asked:
            equality.add(loaded, (wanted,))
        rows = prove(equality, claimed)
        return Judged(folder, rows, tabulate_claims(folder))
