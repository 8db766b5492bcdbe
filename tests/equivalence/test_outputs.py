"""What an implementation returns is numbers of its own, with the axes that its notation says; else the cell fails."""

import re
from importlib import import_module
from pathlib import Path

import pytest
from equivalence.evil import OUTPUTS, Evil

from elbostone.backends import Binding, open_binding
from elbostone.equality.plan import plan_cells
from elbostone.equality.records import Task
from elbostone.notations.reader import load_notation
from elbostone.notations.registry import notations
from elbostone.reference.problem import load_problem
from elbostone.workers.evaluation import Outcome, evaluate
from elbostone.workers.selection import Selection
from elbostone.workers.subject import prepare

CASE = Path(__file__).parent.parent / "exact" / "binary-tanh.json"


def outcome_of(binding: Binding, task: Task) -> Outcome:
    """What a worker would compute for a task."""
    notation = load_notation(Path(task.notation_file), task.cell.notation)
    module = import_module(f"{task.package}.{task.cell.framework}_vae")
    problem = load_problem(CASE)
    return evaluate(prepare(binding, task.cell, notation, module, problem), problem, gradients=False)


@pytest.fixture
def good(backend: str) -> Task:
    """A cell without gradients, in the dtype that JAX has by default."""
    selection = Selection((notations()["pytorch_examples"],), (backend,), dtypes=("float32",), gradients=False)
    [task] = plan_cells(load_problem(CASE), CASE, selection).tasks
    return task


def test_no_output_is_equal_that_is_no_result(
    backend: str, good: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    binding = open_binding(backend, "cpu")
    outcome_of(binding, Evil("none").task(good, tmp_path))
    for evil, said in OUTPUTS:
        task = evil.task(good, tmp_path)
        try:
            outcome_of(binding, task)
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
        else:
            found = None
        assert found is not None, f"{evil.name} passes"
        assert re.search(said, found), f"{evil.name}: {found}"
