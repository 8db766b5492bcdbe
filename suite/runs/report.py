"""`elbostone report`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from ..claims.phase import tabulate_claims
from ..equality.phase import judge_run
from ..reference.errors import BadInput
from ..report.console import print_json, stderr
from ..report.options import AsJson
from ..timing.phases import tabulate
from ..timing.records import left_out
from ..workers.run_folder import RunFolder
from .agreement import agreement, agreement_text, read_throughput, write_agreement
from .committed import commit as commit_run
from .committed import tabulate_again
from .run import Judged

COMMITTED = Path("reports/committed")


def report(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    commit: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help=f"Replace {COMMITTED}/NAME by this run's tables and records.", show_default=False
        ),
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="Hold its throughput against that of another run folder.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Judge a run's records again and write its tables anew; of a committed run, from what was judged."""
    if commit is not None and not re.fullmatch(r"[\w-]+", commit):
        raise BadInput(f"--commit: expected a name of letters, digits, _ and -; found '{commit}'")
    folder = RunFolder(run)
    folder.settings()
    if not folder.records.exists():
        raise BadInput(f"{folder.records}: cannot be read: the run has no records")
    if (run / "tensors").is_dir():
        rows = judge_run(folder, folder.all_problems())
        judged = Judged(folder, rows, tabulate_claims(folder), *tabulate(folder))
    else:
        stderr.print("the run's tensors are not here: its tables are written from what was judged", soft_wrap=True)
        judged = tabulate_again(folder)
    if said := left_out(folder.records):
        stderr.print(said, soft_wrap=True)
    held, beside = [], ""
    if against is not None:
        found = agreement(read_throughput(run), read_throughput(against))
        write_agreement(found, f"`{against.resolve().name}`", run)
        held = found.to_dict("records")
        beside = f"against {against}: {agreement_text(found)}"
    if commit:
        commit_run(folder, COMMITTED / commit)
        stderr.print(f"{COMMITTED / commit} is now {run}")
    if as_json:
        print_json({**judged.document(), "agreement": held})
    else:
        judged.print(timed=bool(judged.speeds))
        if beside:
            print(beside)
    raise typer.Exit(judged.exit_code())
