"""What an implementation does to its worker is named in its record, and costs no other cell anything."""

import os
import re
from pathlib import Path

import pytest
from equivalence.evil import HARMS, SAID, Evil, leaks

from elbostone.equality.judge import by_cell, cell_verdict
from elbostone.equality.phase import Equality
from elbostone.equality.plan import plan_cells
from elbostone.equality.records import EqualityRecord
from elbostone.notations.registry import notations
from elbostone.reference.problem import load_problem
from elbostone.workers.run_folder import RunFolder
from elbostone.workers.selection import Selection

CASE = Path(__file__).parent.parent / "exact" / "binary-tanh.json"
#: Tried in CI: what knows no framework on torch, which starts first, and of each backend what is its own. The others
#: are tried with --exhaustive.
OFTEN = {
    "torch": {"module_replaced", "thread", "patched_exp", "grad_mode", "fork", "reason_with_markup", "os_exit"},
    "keras-tensorflow": {"tf_eager"},
    "keras-jax": {"jax_x64"},
    "keras-torch": {"keras_patched"},
}


class Tried:
    """Evil cells, each followed by a good one, in one run.

    Attributes:
        records: in order, each of the cell that was planned there.
        accused: good cells that are not equal.
    """

    def __init__(self, evils: list[Evil], backend: str, root: Path):
        folder = RunFolder(root / "run")
        folder.problems.mkdir(parents=True)
        equality = Equality(folder, cpus=1, timeout_s=120)
        problem = load_problem(CASE)
        equality.add(problem, [])
        able = tuple(notation for notation in notations().values() if notation.unsupported(problem.spec) is None)
        selection = Selection(able, (backend,), dtypes=("float64", "float32"))
        good = plan_cells(problem, folder.problems / CASE.name, selection).tasks
        planned = []
        for number, evil in enumerate(evils):
            planned += [evil.task(good[0], root), *good[number : number + 1]]
        equality.plan.tasks = planned
        self.records: list[EqualityRecord] = []
        rows = by_cell(equality.run(self.records.append))
        assert [record.cell for record in self.records] == [task.cell for task in planned]
        own = {task.cell for task in good}
        self.accused = [cell.key for cell in rows if cell in own and cell_verdict(rows[cell]) != "equal"]

    def of_evil(self) -> dict[str, EqualityRecord]:
        """The records of evil cells, by name."""
        named = {record.cell.notation.partition("evil_")[2]: record for record in self.records}
        return {name: record for name, record in named.items() if name}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where workers find what is planted."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH")))))
    return tmp_path


def some(evils: list[Evil], backend: str, everything: bool) -> list[Evil]:
    """Those that are tried on a backend."""
    return [evil for evil in evils if evil.name in OFTEN[backend] or everything]


def test_whoever_is_innocent_stays_innocent(backend: str, root: Path, everything: bool) -> None:
    chosen = some(leaks(backend), backend, everything)
    tried = Tried(chosen, backend, root)
    assert tried.accused == []
    named = {name for name, record in tried.of_evil().items() if record.left_behind}
    assert named == {leak.name for leak in chosen}
    assert not any(record.left_behind for record in tried.records if "evil" not in record.cell.notation)


@pytest.mark.enough_on("torch")
def test_every_cell_has_one_record_whatever_another_does(backend: str, root: Path, everything: bool) -> None:
    chosen = some(list(HARMS), backend, everything)
    tried = Tried(chosen, backend, root)
    assert tried.accused == []
    for name, record in tried.of_evil().items():
        said = "ok" if record.status == "ok" else f"{record.reason}"
        assert re.match(SAID[name], said), f"{name}: {said}"
        assert len(record.traceback or "") <= 4000
