"""`elbostone run` from end to end on one backend: its tables, its resumption after a kill, and its report."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from elbostone.equality.judge import COLUMNS as EQUIVALENCE_COLUMNS
from elbostone.timing.judge.throughput import COLUMNS as THROUGHPUT_COLUMNS


def elbostone(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "elbostone", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=540)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished quick run, on a backend that compiles nothing."""
    place = tmp_path_factory.mktemp("run")
    done = elbostone("run", "--notation", "pytorch_examples", "--backend", "keras-torch", "--out", "out", cwd=place)
    assert done.returncode == 0, done.stderr
    assert "cells: " in done.stdout
    assert "differs" not in done.stdout
    (folder,) = (place / "out").iterdir()
    return folder


def test_the_tables_have_the_columns_that_scripts_rely_on(finished: Path) -> None:
    equivalence = pd.read_csv(finished / "equivalence.csv")
    throughput = pd.read_csv(finished / "throughput.csv")
    assert tuple(equivalence.columns[: len(EQUIVALENCE_COLUMNS)]) == EQUIVALENCE_COLUMNS
    assert tuple(throughput.columns[: len(THROUGHPUT_COLUMNS)]) == THROUGHPUT_COLUMNS
    assert set(equivalence["verdict"]) == {"equal", "excluded"}
    assert set(equivalence["dtype"][equivalence["verdict"] == "excluded"]) == {"float64-as-shipped"}
    assert set(equivalence["mode"]) == {"eager"}
    assert set(throughput["verdict"]) == {"equal"}
    assert set(throughput["mode"]) == {"eager"}
    assert throughput["stage"].tolist() == ["encoder", "decoder", "training_step"]
    assert (throughput["images_per_second"] > 0).all()
    assert (throughput["lower"] <= throughput["upper"]).all()
    assert (throughput["roof_share"] > 0).all()
    assert (throughput["processes"] == 2).all()
    for name in ("equivalence.md", "throughput.md", "run.json", "records.jsonl"):
        assert (finished / name).stat().st_size > 0


def test_a_run_says_where_and_how_it_was_made(finished: Path) -> None:
    settings = json.loads((finished / "run.json").read_text())
    assert settings["command"][:2] == ["elbostone", "run"]
    assert {"torch", "numpy"} <= set(settings["packages"])
    assert settings["options"]["threads"] <= settings["cpus"]
    assert settings["cpu"]


def test_a_report_of_the_run_says_the_same(finished: Path) -> None:
    before = (finished / "equivalence.csv").read_bytes(), (finished / "throughput.csv").read_bytes()
    done = elbostone("report", str(finished), "--json", cwd=finished.parent)
    assert done.returncode == 0, done.stderr
    assert ((finished / "equivalence.csv").read_bytes(), (finished / "throughput.csv").read_bytes()) == before
    assert json.loads(done.stdout)["run"] == str(finished)


def test_its_committed_form_says_the_same(finished: Path, tmp_path: Path) -> None:
    done = elbostone("report", str(finished), "--commit", "mine", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    committed = tmp_path / "reports" / "committed" / "mine"
    assert not (committed / "tensors").exists()
    tables = [file for form in ("csv", "md", "parquet") for file in finished.glob(f"*.{form}")]
    assert {"equivalence.csv", "claims.csv", "throughput.csv"} <= {file.name for file in tables}
    for _ in range(2):
        again = elbostone("report", str(committed), cwd=tmp_path)
        assert (again.returncode, again.stdout) == (0, done.stdout)
        assert [(committed / file.name).read_bytes() for file in tables] == [file.read_bytes() for file in tables]


def test_a_killed_run_goes_on_where_it_was(finished: Path) -> None:
    records = finished / "records.jsonl"
    whole = records.read_text().splitlines()
    figures = len([line for line in whole if '"kind": "throughput"' in line])
    # The file after a kill: one cell is missing, and the last line is incomplete.
    lost = next(line for line in whole if all(text in line for text in ('"throughput"', '"eager"', '"pass": 2')))
    kept = [line for line in whole if line != lost]
    records.write_text("\n".join(kept) + '\n{"schema": 1, "pro')
    done = elbostone("run", "--resume", str(finished), cwd=finished.parent)
    assert done.returncode == 0, done.stderr
    again = records.read_text().splitlines()
    assert len([line for line in again if '"kind": "throughput"' in line]) == figures
    assert again[: len(kept)] == kept
    assert len(pd.read_csv(finished / "throughput.csv")) == figures / 2
