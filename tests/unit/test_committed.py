"""Committed runs: what is kept of a run, that nothing of it changes, and that its tables are written from it alone."""

import json
import math
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest

from elbostone import cli
from elbostone.claims.facts import ClaimsRecord
from elbostone.claims.judge.verdicts import COLUMNS as CLAIMS_COLUMNS
from elbostone.claims.tables import write_claims
from elbostone.equality.judge import COLUMNS
from elbostone.equality.records import EqualityRecord
from elbostone.equality.tables import write_equivalence
from elbostone.reference.errors import BadInput
from elbostone.report.tables import frame, read_rows, write_table
from elbostone.runs.report import LONG
from elbostone.workers.packed import pack, unpack
from elbostone.workers.records import Cell, append_record, as_document, number, read_records, read_records_of
from elbostone.workers.run_folder import RunFolder, create_run

FORMS = ("csv", "md", "parquet")
PLACE = Path(__file__).parents[2] / "reports" / "committed"
COMMITTED = sorted(file.parent for file in PLACE.glob("*/records.parquet"))
BESIDE = {f"{table}.{form}" for table in ("dictionary", "environment", "exclusions", "symbols") for form in FORMS}
MOST_BYTES = 5_000_000
CELL = Cell("digits", "keras_io", "keras", "keras-jax", "cpu", "float64", "eager")
EQUAL = EqualityRecord(cell=CELL, status="ok", adapted=True, published_objective=0.1 + 0.2, tensors="gone.safetensors")
INFINITE = msgspec.structs.replace(EQUAL, cell=replace(CELL, dtype="float32"), published_objective=number(math.inf))
CLAIM = dict(
    zip(CLAIMS_COLUMNS, ("keras_io", "symbol z", "role", "keras-jax", "equal", "role latent", None), strict=True)
)

Run = Callable[..., tuple[int, str]]


def row(term: str, verdict: str, **more: Any) -> dict[str, Any]:
    return {**dict.fromkeys(COLUMNS), **CELL.as_json(), "adapted": True, "term": term, "verdict": verdict, **more}


ROWS = [
    row("latent", "equal", worst_error=1e-320, worst_ulps=1.0, tolerance=0.1 + 0.2, worst_index=[3, 1]),
    row("objective", "equal", worst_error=0.0, worst_ulps=0.0, tolerance=1e300, worst_index=[]),
    row("elbo", "differs", tolerance=1e-9, worst_index=[7], first_divergence="elbo[7]: nan, expected −1"),
]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run a command in an empty folder: (exit code, stderr)."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["elbostone", *arguments])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        assert isinstance(stop.value.code, int)
        return stop.value.code, capsys.readouterr().err

    return command


def finished(place: Path) -> RunFolder:
    """A run with records and tables, and a file that nobody asked for."""
    folder = create_run(place, {"verb": "run"})
    for record in (EQUAL, ClaimsRecord(cell=CELL, status="failed", reason="σ"), INFINITE):
        append_record(folder.records, record)
    write_equivalence(ROWS, folder.path)
    write_claims([CLAIM], folder.path)
    (folder.path / "notes.txt").write_text("")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_table_is_read_as_it_was(tmp_path: Path) -> None:
    rows = [
        {"n": 1, "figure": 0.1 + 0.2, "many": [5e-324, 2.0], "stable": True, "text": "", "nothing": None, "index": []},
        {
            "n": None,
            "figure": math.inf,
            "many": None,
            "stable": None,
            "text": None,
            "nothing": None,
            "index": [2**53 + 1],
        },
        {"n": 3, "figure": None, "many": [], "stable": False, "text": "σ |", "nothing": None, "index": None},
    ]
    write_table(frame(rows, ("n",)), tmp_path / "table")
    assert read_rows(tmp_path / "table.parquet") == rows
    lines = (tmp_path / "table.csv").read_text(encoding="utf-8").splitlines()
    assert lines[1] == '1,0.30000000000000004,"[5e-324, 2.0]",True,,,[]'
    assert lines[2] == ",inf,,,,,[9007199254740993]"
    write_table(frame([{"figure": math.nan}, {"figure": None}], ()), tmp_path / "table")
    (first, second) = read_rows(tmp_path / "table.parquet")
    assert math.isnan(first["figure"])
    assert second["figure"] is None


def test_records_are_kept_to_the_digit(run: Run, tmp_path: Path) -> None:
    folder = finished(tmp_path / "runs")
    with folder.records.open("a") as file:
        file.write('{"schema": 2, "cut off by a ki')
    before = read_records(folder.records)
    run("report", str(folder.path), "--commit", "mine")
    committed = RunFolder(tmp_path / "reports/committed/mine")
    assert committed.records.name == "records.parquet"
    assert read_records(committed.records) == before
    assert committed.records_of(EqualityRecord) == [EQUAL, INFINITE]
    assert [record.reason for record in committed.records_of(ClaimsRecord)] == ["σ"]
    assert pd.read_parquet(committed.records)["kind"].tolist() == ["equality", "claims", "equality"]


def test_of_a_run_that_is_committed_tables_and_records_are_kept(run: Run, tmp_path: Path) -> None:
    folder = finished(tmp_path / "runs")
    before = contents(folder.path)
    committed = tmp_path / "reports/committed/mine"
    committed.mkdir(parents=True)
    (committed / "old.md").write_text("of another run")
    assert run("report", str(folder.path), "--commit", "mine")[0] == 1, "a cell differs"
    after = contents(folder.path)
    assert {name: after[name] for name in before} == before and after.keys() - before.keys() == BESIDE
    kept = contents(committed)
    tables = {f"{table}.{form}" for table in ("equivalence", "claims") for form in ("parquet", "md")}
    assert kept.keys() == {"run.json", "records.parquet", *tables, *(BESIDE - set(LONG))}
    assert {name: kept[name] for name in tables} == {name: before[name] for name in tables}
    assert [file.name for file in committed.parent.iterdir()] == ["mine"]

    for _ in range(2):
        assert run("report", str(committed))[0] == 1
        again = contents(committed)
        assert {name: again[name] for name in kept} == kept
        assert {name: again[name] for name in again.keys() - kept} == {name: after[name] for name in LONG}


@pytest.mark.parametrize("out", [("--out", "/somewhere/here"), ("--out=/somewhere/here",), ()])
def test_a_committed_run_says_how_to_repeat_it_anywhere(
    run: Run, out: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["elbostone", "bench", *out, "--full"])
    folder = finished(tmp_path / "runs").path
    before = (folder / "run.json").read_text()
    run("report", str(folder), "--commit", "mine")
    about = json.loads((tmp_path / "reports/committed/mine/run.json").read_text())
    assert about["command"] == ["elbostone", "bench", "--full"]
    assert about == {**json.loads(before), "command": about["command"]}
    assert (folder / "run.json").read_text() == before


def test_a_committed_run_does_not_go_on(run: Run, tmp_path: Path) -> None:
    folder = finished(tmp_path / "runs")
    run("report", str(folder.path), "--commit", "mine")
    code, err = run("run", "--resume", "reports/committed/mine")
    assert (code, err.count("\n")) == (2, 1)
    assert "mine: expected a run that can go on; found records.parquet" in err


def test_a_run_that_was_never_judged_has_no_report_without_its_tensors(run: Run, tmp_path: Path) -> None:
    folder = create_run(tmp_path / "runs", {})
    append_record(folder.records, EQUAL)
    code, err = run("report", str(folder.path))
    assert code == 2
    assert "equivalence.parquet: expected a table of the run; it has none" in err


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    text, table = tmp_path / "records.parquet", tmp_path / "table.parquet"
    text.write_text("no Parquet")
    pd.DataFrame({"a": [1]}).to_parquet(table)
    for read, file, message in (
        (unpack, text, "expected Parquet with a column 'record'; found .*Parquet"),
        (unpack, table, "expected Parquet with a column 'record'; found No match for .*record"),
        (read_rows, text, "expected Parquet; found .*Parquet"),
        (read_records, tmp_path / "none" / "records.parquet", "expected Parquet with a column 'record'; found "),
    ):
        with pytest.raises(BadInput, match=message) as refused:
            read(file)
        assert str(refused.value).startswith(f"{file}: ")
        assert "\n" not in str(refused.value)


def test_what_the_reader_does_not_understand_is_refused_in_either_form(tmp_path: Path) -> None:
    right = as_document(EQUAL)
    pack([right, {**right, "status": "great"}], tmp_path / "records.parquet")
    with pytest.raises(BadInput, match=r"line 2: expected a record of equality; found: .*'great'.*status"):
        read_records_of(tmp_path / "records.parquet", EqualityRecord)


def test_the_summary_counts_every_cell_and_names_what_fails(tmp_path: Path) -> None:
    other, third = ({**CELL.as_json(), "notation": name} for name in ("prince_2023", "wikipedia"))
    unsupported = {**row("", "unsupported", reason="defines no x"), **other}
    excluded = {**row("elbo", "excluded", reason="upstream (link)", worst_error=1.0, tolerance=0.1), **third}
    near = {**row("kl", "equal", worst_error=0.9, tolerance=1.0), **third}
    write_equivalence([*ROWS, unsupported, excluded, near], tmp_path)
    lines = (tmp_path / "equivalence.md").read_text(encoding="utf-8").splitlines()
    tables = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("| ")]
    first = dict(zip(tables[0], tables[1], strict=True))
    assert (first["equal"], first["others"]) == ("0", "1 differs, 1 excluded, 1 unsupported")
    assert (first["closest tensor"], first["of"], first["used"]) == ("kl", "wikipedia float64 eager", "90%")
    assert "elbo[7]: nan, expected −1" in tables[3]
    assert tables[5:] == [["unsupported", "1", "defines no x"], ["excluded", "1", "upstream (link)"]]


def test_what_is_said_of_reading_them_works(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(PLACE.parents[1])
    block = (PLACE / "README.md").read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    exec(block, {})
    out = capsys.readouterr().out
    assert "keras-torch" in out
    assert "rounds_ns" in out


def test_committed_runs_are_small() -> None:
    assert COMMITTED
    left = {*LONG, "index.html"}  # report may have been here
    files = [file for file in PLACE.rglob("*") if file.is_file() and file.name not in left]
    sizes = {str(file.relative_to(PLACE)): file.stat().st_size for file in files}
    assert sum(sizes.values()) < MOST_BYTES, sizes


@pytest.mark.parametrize("committed", COMMITTED, ids=lambda folder: folder.name)
def test_the_tables_of_a_committed_run_are_written_from_what_is_committed(
    committed: Path, run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / committed.name
    shutil.copytree(committed, folder)
    rows = {file.name: read_rows(file) for file in folder.glob("*.parquet")}
    for written in (*folder.glob("*.csv"), *folder.glob("*.md")):
        # With which run it agrees, only `--against` says; what has no Parquet is of what is no longer measured.
        if written.stem != "agreement" and written.with_suffix(".parquet").exists():
            written.unlink()
    assert run("report", str(folder))[0] == 0
    once = contents(folder)
    for file in (*committed.glob("*.csv"), *committed.glob("*.md")):
        assert once[file.name] == file.read_bytes(), file
    again = {file.name: read_rows(file) for file in folder.glob("*.parquet")}
    assert {name: again[name] for name in rows} == rows
    run("report", str(folder))
    assert contents(folder) == once
