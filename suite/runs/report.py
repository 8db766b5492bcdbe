"""`elbostone report`."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pandas as pd
import typer

from ..claims.phase import tabulate_claims
from ..claims.tables import print_claims
from ..equality.phase import judge_run, judged_rows
from ..equality.tables import print_verdicts
from ..reference.errors import BadInput
from ..report.console import print_json, stderr
from ..report.options import AsJson
from ..report.verdicts import exit_code
from ..timing.judge.aa import broken
from ..timing.phases import tabulate_aa, tabulate_run
from ..timing.tables import print_aa, print_throughput
from ..workers.run_folder import RunFolder
from .agreement import Row as AgreementRow
from .agreement import agreement_rows, agreement_text
from .agreement_tables import write_agreement

COMMITTED = Path("reports/committed")
# Tensors, problems and raw rounds stay with the run: the tables and the records are what others read.
KEPT = ("run.json", "records.jsonl", "verdicts.jsonl", "*.csv", "*.md")


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
    """Judge a run's records again and write its tables anew."""
    if commit is not None and not re.fullmatch(r"[\w-]+", commit):
        raise BadInput(f"--commit: expected a name of letters, digits, _ and -; found '{commit}'")
    folder = RunFolder(run)
    folder.settings()
    if not folder.records.exists():
        raise BadInput(f"{folder.records}: cannot be read: the run has no records")
    if (run / "tensors").is_dir():
        rows, speeds = judge_run(folder, folder.all_problems()), tabulate_run(folder)
        claims, trust = tabulate_claims(folder), tabulate_aa(folder)
    else:
        rows, speeds, claims, trust = judged_rows(folder), [], [], []
        stderr.print("the run's tensors are not here: its verdicts and tables are left as they are", soft_wrap=True)
    agreement = [] if against is None else _hold_against(run, against)
    if commit:
        _commit(run, COMMITTED / commit)
    if as_json:
        document = {"schema": 1, "run": str(run), "equivalence": rows, "claims": claims, "throughput": speeds}
        print_json({**document, "trust": trust, "agreement": agreement})
    else:
        if speeds:
            print_throughput(speeds)
        print_aa(trust)
        print_verdicts(rows)
        print_claims(claims)
        if against is not None:
            print(f"against {against}: {agreement_text(agreement)}")
    raise typer.Exit(exit_code([*rows, *claims, *speeds]) or int(broken(trust)))


def _hold_against(run: Path, other: Path) -> list[AgreementRow]:
    """The agreement of two runs, by the throughput tables that they have; it is written into the first."""
    tables: list[list[dict[str, Any]]] = []
    for folder in (run, other):
        try:
            table = pd.read_csv(folder / "throughput.csv", keep_default_na=False, na_values=[""])
        except (OSError, ValueError) as error:
            raise BadInput(f"{folder}/throughput.csv: cannot be read: {error}") from None
        tables.append([{str(name): value for name, value in row.items()} for row in table.to_dict("records")])
    rows = agreement_rows(*tables)
    write_agreement(rows, f"`{other.resolve().name}`", run)
    return rows


def _commit(run: Path, place: Path) -> None:
    """Copy what is kept beside the old folder, then put it in the old one's place."""
    fresh = place.with_name(f"{place.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for pattern in KEPT:
        for file in run.glob(pattern):
            shutil.copyfile(file, fresh / file.name)
    copied = RunFolder(fresh)
    settings = copied.settings()
    copied.write_settings(msgspec.structs.replace(settings, command=_anywhere(settings.command)))
    shutil.rmtree(place, ignore_errors=True)
    fresh.rename(place)
    stderr.print(f"{place} is now {run}")


def _anywhere(command: list[str]) -> list[str]:
    """A command without where its run folder was made: a folder of one machine, which says nothing on another."""
    kept, words = [], iter(command)
    for word in words:
        if word == "--out":
            next(words, None)
        elif not word.startswith("--out="):
            kept.append(word)
    return kept
