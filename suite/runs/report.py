"""`elbostone report`."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from ..claims.phase import tabulate_claims
from ..claims.tables import write_claims
from ..equality.phase import judge_run
from ..equality.tables import write_equivalence
from ..page.extra import lacking, leave_page
from ..reference.errors import BadInput, EnvironmentLacks
from ..reference.files import read_text, write_text
from ..report.console import print_json, stderr
from ..report.options import AsJson
from ..report.tables import FAILING, read_rows, rows_if_any
from ..timing.phases import tabulate
from ..timing.records import left_out
from ..timing.tables import write_aa, write_throughput
from ..training.tables import write_training
from ..workers.packed import pack
from ..workers.records import CELL_FIELDS, CLAIMS, EQUALITY
from ..workers.run_folder import RunFolder
from .compare import agreement, agreement_text, write_agreement
from .run import Judged
from .side_tables import write_side_tables

COMMITTED = Path("reports/committed")
# Tensors, problems and raw rounds stay with the run: others read only the tables and the records.
KEPT = ("run.json", "*.parquet", "*.csv", "*.md")
LONG = ("equivalence.csv", "claims.csv", "symbols.csv", "symbols.md")
"""Tables of many rows; a committed run keeps them only as Parquet."""
LONG_OF_OTHERS = ("theta_*.csv", "training*.csv")
"""The same of `theta` and `train`, as patterns."""
#: Table → the kind of the records that it is made of, and fields that a record and its rows share.
SOURCES = {
    "equivalence": (EQUALITY, CELL_FIELDS),
    "claims": (CLAIMS, ("notation", "backend")),
    "throughput": ("throughput", ("workload", "stage", "batch", "notation", "backend", "device", "dtype", "mode")),
}
MARK = "> **Incomplete**"
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
    for other, table in ((theta, "theta_dependency"), (throughput, "throughput"), (training, "training")):
        if other is not None:
            read_rows(other / f"{table}.parquet")
    folder = RunFolder(run)
    pages: dict[str, Path | None] = {"theta": theta, "throughput": throughput, "training": training, "publish": publish}
    if (verb := folder.settings().options.get("verb")) in WRITE_THEIR_OWN:
        if against is not None:
            raise BadInput(f"--against: expected a run with throughput; {run} has none")
        tables = {path.stem: read_rows(path) for path in sorted(run.glob(f"{WRITE_THEIR_OWN[verb]}*.parquet"))}
        if verb == "train":
            write_training(tables["training"], tables["training_pixels"], tables["training_latents"], run)
        _commit(folder, commit)
        _open(leave_page(folder, **pages), open_page)
        if as_json:
            print_json({"schema": 1, "run": str(run), **tables})
        rows = [row for table in tables.values() for row in table]
        raise typer.Exit(int(any(row.get("verdict") in FAILING or row.get("holds") is False for row in rows)))
    if not folder.records.exists():
        raise BadInput(f"{folder.records}: cannot be read: the run has no records")
    with folder.alone():
        missing = folder.lacking()
        if missing and folder.goes_on:
            missing += f"; to go on: {folder.goes_on}"
        if (run / "tensors").is_dir():
            if gone := _gone_from(folder):
                missing = f"; {missing}" if missing else ""
                stderr.print(f"incomplete: {gone}: the tables are left as they are{missing}", soft_wrap=True)
                raise typer.Exit(1)
            judged = Judged(folder, judge_run(folder), tabulate_claims(folder), *tabulate(folder))
        else:
            stderr.print("the run has no tensors: its tables are written from its verdicts", soft_wrap=True)
            judged = _tabulated_again(folder)
        write_side_tables(folder, judged.rows, judged.claims)
        if missing:
            _mark_incomplete(folder, missing)
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
    _commit(folder, commit)
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


def _commit(run: RunFolder, name: str | None) -> None:
    """Write the committed form of a finished run beside the folder of that name, then put it in its place."""
    if not name:
        return
    place = COMMITTED / name
    fresh = place.with_name(f"{name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for file in (
        file for pattern in KEPT for file in run.path.glob(pattern) if not any(map(file.match, LONG + LONG_OF_OTHERS))
    ):
        shutil.copyfile(file, fresh / file.name)
    committed = RunFolder(fresh)
    if run.records.exists():  # `theta` leaves none
        pack(run.documents(), committed.packed)
    settings = committed.settings()
    committed.write_settings(msgspec.structs.replace(settings, command=_anywhere(settings.command)))
    shutil.rmtree(place, ignore_errors=True)
    fresh.rename(place)
    stderr.print(f"{place} is now {run.path}")


def _anywhere(command: list[str]) -> list[str]:
    """A command without the place of its run folder, which has no meaning on another machine."""
    kept, words = [], iter(command)
    for word in words:
        if word == "--out":
            next(words, None)
        elif not word.startswith("--out="):
            kept.append(word)
    return kept


def _tabulated_again(run: RunFolder) -> Judged:
    """Write the tables of a run without tensors, from the rows that its judges wrote.

    Raises:
        BadInput: its cells were never judged.
    """
    equality = read_rows(run.path / "equivalence.parquet")
    names = ("claims", "throughput", "trust")
    claims, speeds, trust = (rows_if_any(run.path / f"{name}.parquet") for name in names)
    write_equivalence(equality, run.path)
    if claims:
        write_claims(claims, run.path)
    if speeds:
        write_throughput(speeds, msgspec.to_builtins(run.settings()), run.path)
    if trust:
        write_aa(trust, run.path)
    return Judged(run, equality, claims, speeds, trust)


def _gone_from(folder: RunFolder) -> str:
    """Which tables of a run have rows whose records are gone, in words; empty where none has.

    Such a table has more than could be written in its place.
    """
    records, said = folder.documents(), []
    for name, (kind, fields) in SOURCES.items():
        there = {_key(record, fields) for record in records if record["kind"] == kind}
        gone = {_key(row, fields) for row in rows_if_any(folder.path / f"{name}.parquet")} - there
        if gone:
            said.append(f"{name}.parquet has {len(gone)} cells without a record")
    return ", ".join(said)


def _key(values: Mapping[str, Any], fields: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(values.get(field)) for field in fields)


def _mark_incomplete(folder: RunFolder, lacking: str) -> None:
    """Write into every Markdown table of a run's outcomes which records the run lacks."""
    for name in (*SOURCES, "trust"):
        path = folder.path / f"{name}.md"
        if path.exists():
            title, _, rest = read_text(path).partition("\n")
            if not rest.lstrip().startswith(MARK):
                write_text(path, f"{title}\n\n{MARK}: {lacking}.\n{rest}")


def _open(page: Path | None, wanted: bool) -> None:
    if wanted and page is not None:
        typer.launch(str(page))
