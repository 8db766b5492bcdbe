"""`elbostone report`."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ..claims.phase import tabulate_claims
from ..equality.phase import judge_run, judged_rows
from ..reference.errors import BadInput
from ..report.console import print_json, stderr
from ..report.options import AsJson
from ..timing.phases import tabulate
from ..timing.records import left_out
from ..workers.run_folder import RunFolder
from .agreement import agreement, agreement_text, read_throughput, write_agreement
from .run import Judged

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
        rows = judge_run(folder, folder.all_problems())
        judged = Judged(folder, rows, tabulate_claims(folder), *tabulate(folder))
    else:
        judged = Judged(folder, judged_rows(folder))
        stderr.print("the run's tensors are not here: its verdicts and tables are left as they are", soft_wrap=True)
    if said := left_out(folder.records):
        stderr.print(said, soft_wrap=True)
    held, beside = [], ""
    if against is not None:
        found = agreement(read_throughput(run), read_throughput(against))
        write_agreement(found, f"`{against.resolve().name}`", run)
        held = found.to_dict("records")
        beside = f"against {against}: {agreement_text(found)}"
    if commit:
        _commit(run, COMMITTED / commit)
    if as_json:
        print_json({**judged.document(), "agreement": held})
    else:
        judged.print(timed=bool(judged.speeds))
        if beside:
            print(beside)
    raise typer.Exit(judged.exit_code())


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
