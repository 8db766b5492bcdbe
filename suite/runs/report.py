"""`elbostone report`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ..claims.phase import tabulate_claims
from ..equality.phase import judge_run
from ..page.extra import lacking, leave_page
from ..reference.errors import BadInput, EnvironmentLacks
from ..report.console import print_json, stderr
from ..report.options import AsJson
from ..report.tables import FAILING, read_rows
from ..timing.phases import tabulate
from ..timing.records import left_out
from ..training.tables import write_training
from ..workers.run_folder import RunFolder
from .agreement import agreement, agreement_text, write_agreement
from .committed import commit as commit_run
from .committed import tabulate_again
from .incomplete import gone_from, mark_incomplete
from .run import Judged
from .side_tables import write_side_tables

COMMITTED = Path("reports/committed")
WRITE_THEIR_OWN = {"theta": "theta_", "train": "training"}
"""Verbs whose runs are judged while they last, so that the rows of their tables are all there is: → how these begin."""


def report(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    commit: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help=f"Replace {COMMITTED}/NAME by this run's tables and records.", show_default=False
        ),
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="Compare its throughput with that of another run folder.", show_default=False)
    ] = None,
    theta: Annotated[
        Path | None, typer.Option(help="Draw the tables of this run of 'theta' on the page.", show_default=False)
    ] = None,
    throughput: Annotated[
        Path | None, typer.Option(help="Draw the throughput of this run on the page.", show_default=False)
    ] = None,
    training: Annotated[
        Path | None, typer.Option(help="Draw the curves of this run of 'train' on the page.", show_default=False)
    ] = None,
    publish: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Write the page there, and each of its charts as SVG and PNG.", show_default=False
        ),
    ] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the run's page in a browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """Judge a run's records again, and write its tables and its page; a committed run keeps its verdicts.

    The rows of a run of 'theta' or 'train' stay as the run wrote them.
    """
    if (open_page or publish) and (lack := lacking()):
        raise EnvironmentLacks(lack)
    if commit is not None and not re.fullmatch(r"[\w-]+", commit):
        raise BadInput(f"--commit: expected a name of letters, digits, _ and -; found '{commit}'")
    if theta is not None:
        read_rows(theta / "theta_dependency.parquet")
    if throughput is not None:
        read_rows(throughput / "throughput.parquet")
    if training is not None:
        read_rows(training / "training.parquet")
    folder = RunFolder(run)
    pages: dict[str, Path | None] = {"theta": theta, "throughput": throughput, "training": training, "publish": publish}
    if (verb := folder.settings().options.get("verb")) in WRITE_THEIR_OWN:
        if against is not None:
            raise BadInput(f"--against: expected a run with throughput; {run} has none")
        tables = {path.stem: read_rows(path) for path in sorted(run.glob(f"{WRITE_THEIR_OWN[verb]}*.parquet"))}
        if verb == "train":
            write_training(tables["training"], tables["training_pixels"], tables["training_latents"], run)
        _keep(folder, commit)
        _open(leave_page(folder, **pages), open_page)
        if as_json:
            print_json({"schema": 1, "run": str(run), **tables})
        raise typer.Exit(int(any(not _good(row) for rows in tables.values() for row in rows)))
    if not folder.records.exists():
        raise BadInput(f"{folder.records}: cannot be read: the run has no records")
    with folder.alone():
        missing = folder.lacking()
        if missing and folder.goes_on:
            missing += f"; to go on: {folder.goes_on}"
        if (run / "tensors").is_dir():
            if gone := gone_from(folder):
                missing = f"; {missing}" if missing else ""
                stderr.print(f"incomplete: {gone}: the tables are left as they are{missing}", soft_wrap=True)
                raise typer.Exit(1)
            judged = Judged(folder, judge_run(folder), tabulate_claims(folder), *tabulate(folder))
        else:
            stderr.print("the run has no tensors: its tables are written from its verdicts", soft_wrap=True)
            judged = tabulate_again(folder)
        write_side_tables(folder, judged.rows, judged.claims)
        if missing:
            mark_incomplete(folder, missing)
            stderr.print(f"incomplete: {missing}", soft_wrap=True)
    if said := left_out(folder.records):
        stderr.print(said, soft_wrap=True)
    held, beside = [], ""
    if against is not None:
        held = agreement(*(read_rows(folder / "throughput.parquet") for folder in (run, against)))
        write_agreement(held, f"`{against.resolve().name}`", run)
        beside = f"against {against}: {agreement_text(held)}"
    if commit and missing:
        raise BadInput(f"--commit: expected a run that is complete; {missing}")
    _keep(folder, commit)
    # The page of an incomplete run would replace the page of a complete one.
    page = None if missing else leave_page(folder, **pages)
    if as_json:
        print_json({**judged.document(), "agreement": held})
    else:
        judged.print(timed=bool(judged.speeds))
        if beside:
            print(beside)
    _open(page, open_page)
    raise typer.Exit(judged.exit_code() or int(bool(missing)))


def _good(row: Mapping[str, Any]) -> bool:
    return row.get("verdict") not in FAILING and row.get("holds") is not False


def _keep(folder: RunFolder, name: str | None) -> None:
    if name:
        commit_run(folder, COMMITTED / name)
        stderr.print(f"{COMMITTED / name} is now {folder.path}")


def _open(page: Path | None, wanted: bool) -> None:
    if wanted and page is not None:
        typer.launch(str(page))
