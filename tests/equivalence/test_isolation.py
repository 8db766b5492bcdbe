"""What lies in the folder in which the command runs is somebody else's: no process imports it."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from planted_folder import LEFT, marked, plant

from elbostone.backends.base import cpu_count
from elbostone.claims.phase import plan_claims
from elbostone.equality.plan import plan_cells
from elbostone.notations.registry import notations
from elbostone.reference.problem import load_problem
from elbostone.workers.environment import worker_environment
from elbostone.workers.jobs import Job
from elbostone.workers.pool import run_plan
from elbostone.workers.records import CellRecord
from elbostone.workers.selection import Selection

CASE = Path(__file__).parent.parent / "exact" / "binary-tanh.json"


@pytest.fixture
def marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder has modules of the names that everything imports; where each leaves a mark."""
    return plant(tmp_path, monkeypatch)


def test_the_planted_files_are_imported_where_nothing_keeps_them_out(marks: Path) -> None:
    done = subprocess.run([sys.executable, "-c", "import random"], capture_output=True, text=True, check=False)
    assert LEFT in done.stderr
    assert "random" in marked(marks)


def test_workers_import_nothing_of_the_current_folder(backend: str, tmp_path: Path, marks: Path) -> None:
    selection = Selection((notations()["pytorch_examples"],), (backend,), gradients=False)
    plan = plan_cells(load_problem(CASE), CASE, selection)
    plan.add(plan_claims(selection))
    records: list[CellRecord] = []
    run_plan(plan, tmp_path / "run", cpus=cpu_count(), timeout_s=300, on_record=records.append)
    assert [(r.status, r.reason) for r in records] == [("ok", None)] * 2, records[0].traceback
    assert marked(marks) == []


@pytest.mark.enough_on("torch")
def test_neither_does_the_command_nor_what_it_starts(backend: str, marks: Path) -> None:
    script = Path(sysconfig.get_path("scripts")) / "elbostone"
    command = [str(script), "evaluate", str(CASE), "--notation", "pytorch_examples", "--backend", backend, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [record["status"] for record in json.loads(done.stdout)["records"]] == ["ok"]
    assert marked(marks) == []


def test_plug_ins_are_found_by_pythonpath_alone(tmp_path: Path, marks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative entry is one of the command's folder; an empty entry, which Python reads as that folder, is none."""
    (tmp_path / "plug").mkdir()
    (tmp_path / "plug" / "some_plug_in.py").touch()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(("", "../plug", "")))
    code = "import random, some_plug_in; print(some_plug_in.__file__)"
    environment = worker_environment(Job("torch"), tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=tmp_path / "marks",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(tmp_path / "plug" / "some_plug_in.py")
    assert marked(marks) == []
