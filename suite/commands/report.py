"""`elbostone report`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from ..analysis.trust import broken
from ..definition.errors import BadInput
from ..report.throughput import SHOWN, shown
from ..workflow.claims import tabulate_claims
from ..workflow.equality import judge_run
from ..workflow.folder import RunFolder
from ..workflow.throughput import tabulate_run
from ..workflow.trust import tabulate_trust
from .options import AsJson, exit_code, print_claims, print_json, print_table, print_trust, print_verdicts, stderr

COMMITTED = Path("reports/committed")
# Tensors, problems and raw rounds stay with the run: the tables and the records are what others read.
KEPT = ("run.json", "records.jsonl", "verdicts.jsonl", "*.csv", "*.md")


def report(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    commit: Annotated[
        bool, typer.Option("--commit", help=f"Replace {COMMITTED} by this run's tables and records.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Judge a run's records again and write its tables anew."""
    folder = RunFolder(run)
    folder.settings()
    if not folder.records.exists():
        raise BadInput(f"{folder.records}: cannot be read: the run has no records")
    if (run / "tensors").is_dir():
        rows, speeds = judge_run(folder, folder.all_problems()), tabulate_run(folder)
        claims, trust = tabulate_claims(folder), tabulate_trust(folder, speeds)
    else:
        rows, speeds, claims, trust = folder.all_verdicts(), [], [], []
        stderr.print("the run's tensors are not here: its verdicts and tables are left as they are", soft_wrap=True)
    if commit:
        _commit(run)
    if as_json:
        document = {"schema": 1, "run": str(run), "equivalence": rows, "claims": claims, "throughput": speeds}
        print_json({**document, "trust": trust})
    else:
        if speeds:
            print_table("Throughput", SHOWN, shown(speeds))
        print_trust(trust)
        print_verdicts(rows)
        print_claims(claims)
    raise typer.Exit(exit_code([*rows, *claims, *speeds]) or int(broken(trust)))


def _commit(run: Path) -> None:
    """Copy what is kept beside the old folder, then put it in the old one's place."""
    fresh = COMMITTED.with_name("committed.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for pattern in KEPT:
        for file in run.glob(pattern):
            shutil.copyfile(file, fresh / file.name)
    shutil.rmtree(COMMITTED, ignore_errors=True)
    fresh.rename(COMMITTED)
    stderr.print(f"{COMMITTED} is now {run}")
