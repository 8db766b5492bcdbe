"""`elbostone check`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ..claims.phase import pending_claims, tabulate_claims
from ..equality.phase import Equality, load_problems
from ..equality.plan import require_cells
from ..reference.problem import Problem
from ..report.console import print_json, progress, shown_path, stderr
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
from ..workers.run_folder import RunFolder, create_run
from ..workers.selection import Selection
from ..workers.supervisor import cpu_threads
from .presets import claims_sample, equality_sample
from .run import Judged


def check(
    problem: Annotated[
        list[Path] | None, typer.Argument(help="PROBLEM.json files [default: the embedded digits].", show_default=False)
    ] = None,
    notation: Notations = None,
    backend: Backends = None,
    device: Device = "cpu",
    dtype: Dtypes = None,
    mode: Modes = None,
    out: Out = Path("reports"),
    timeout: Timeout = TIMEOUT_S,
    threads: WorkerThreads = None,
    as_json: AsJson = False,
) -> None:
    """Check that every matching cell computes the truth and what each other cell does; and what notations claim."""
    problems = load_problems(problem or ())
    selection = select(notation, backend, device, dtype or ("float64", "float32"), mode)
    asked_threads = checked_threads(threads)
    options = {"verb": "check", "problems": [str(path) for path in problem or ()], "threads": asked_threads}
    judged = check_cells(
        problems, selection, lambda: create_run(out, options), timeout_s=timeout, threads=asked_threads
    )
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
    new_run: Callable[[], RunFolder],
    *,
    timeout_s: float,
    threads: int | None,
) -> Judged:
    """Run the cells of some problems, or of the embedded digits where there are none, with what notations claim.

    Args:
        problems: each is asked of all that is selected.
        selection: the cells.
        new_run: makes the run folder, once it is known that there are cells to run.
        timeout_s: how long one cell may take.
        threads: of one operation; None for a share of the CPUs.

    Raises:
        BadInput: no cell is selected that defines one of the problems.
    """
    # An embedded problem is asked of those of the chosen notations that the sample has for it.
    asked = [(loaded, selection) for loaded in problems] or [
        (embedded, replace(selection, notations=chosen[0].notations)) for embedded, chosen in equality_sample(selection)
    ]
    require_cells([loaded for loaded, _ in asked], selection)
    equality = Equality(new_run(), cpu_threads(), timeout_s, threads)
    for loaded, wanted in asked:
        equality.add(loaded, (wanted,))
    if not problems:  # a problem of one's own asks about itself alone
        equality.plan.add(pending_claims(equality.folder, claims_sample(selection, full=False)))
    with progress("equality" if problems else "equality and claims", equality.total) as advance:
        rows = equality.run(advance)
    return Judged(equality.folder, rows, tabulate_claims(equality.folder))
