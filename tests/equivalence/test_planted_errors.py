"""Every planted error is caught by the real machinery and named at the right tensor.

Each is an edited copy of a notation in a package of its own, run by the suite's own workers and judged like any cell:
in float64 and float32, on three problem shapes, eagerly. The backends that run the same files as another have the first
shape in float32 alone, where tolerances are the widest, unless `--exhaustive` is given. Unedited copies run beside them
and are equal: what is caught is the edit.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from equivalence.planted import GROUPS, PACKAGE, Planted, copy, edited, plant, problems_of
from equivalence.planted_errors import PLANTED

from elbostone.backends.table import BACKENDS
from elbostone.equality.exclusions import load_exclusions
from elbostone.equality.judge import Row, against_each_other, by_cell, cell_verdict, judge
from elbostone.equality.records import Task
from elbostone.reference.comparison import Tensors
from elbostone.reference.problem import Problem, read_tensors, save_problem
from elbostone.reference.truth import Truth, truth_of
from elbostone.workers.pool import run_plan
from elbostone.workers.records import Cell
from elbostone.workers.selection import Plan

DTYPES = ("float64", "float32")
SHAPES = 3
#: Group → its unedited copy.
UNEDITED = {group: f"unedited_{group}" for group in GROUPS}


@dataclass(frozen=True)
class Outcomes:
    """What one backend made of all copies, each on so many shapes in each dtype."""

    shapes: int
    dtypes: tuple[str, ...]
    rows: dict[Cell, list[Row]]
    tensors: dict[Cell, Tensors]
    problems: dict[str, Problem]
    truths: dict[tuple[str, str], Truth]

    def cells(self, name: str) -> list[Cell]:
        return [cell for cell in self.rows if cell.notation == name]


@pytest.fixture(scope="module")
def outcomes_of(
    tmp_path_factory: pytest.TempPathFactory, exhaustive: Callable[[str], bool]
) -> Callable[[str], Outcomes]:
    """Runs all copies on a backend, once."""

    @cache
    def run(backend: str) -> Outcomes:
        shapes, dtypes = (SHAPES, DTYPES) if exhaustive(backend) else (1, ("float32",))
        return _run(backend, tmp_path_factory.mktemp(backend), shapes, dtypes)

    return run


def _run(backend: str, folder: Path, shapes: int, dtypes: tuple[str, ...]) -> Outcomes:
    problems: dict[str, Problem] = {}
    tasks: list[Task] = []
    copies = [(name, group, copy(name, GROUPS[group].notation, folder)) for group, name in UNEDITED.items()]
    copies += [(planted.name, planted.problems, plant(planted, folder)) for planted in PLANTED]
    for name, group, notation_file in copies:
        for problem in problems_of(group)[:shapes]:
            if problem.name not in problems:
                problems[problem.name] = problem
                save_problem(problem, folder / "problems")
            file = str(folder / "problems" / f"{problem.name}.json")
            for dtype in dtypes:
                cell = Cell(problem.name, name, BACKENDS[backend].framework, backend, "cpu", dtype, "eager")
                tasks.append(Task(cell, file, f"{PACKAGE}.{name}", str(notation_file), gradients=True))
    records = []
    with pytest.MonkeyPatch.context() as environment:
        path = filter(None, (str(folder), os.environ.get("PYTHONPATH")))
        environment.setenv("PYTHONPATH", os.pathsep.join(path))
        # One thread: on tensors as small as these a second one only waits.
        run_plan(Plan(tasks), folder, cpus=1, timeout_s=300, on_record=records.append)
    rows = []
    for problem in problems.values():
        own = [record for record in records if record.cell.problem == problem.name]
        rows += judge(problem, own, lambda name: read_tensors(folder / "tensors" / name), load_exclusions())
    tensors = {
        task.cell: read_tensors(folder / "tensors" / f"{task.cell.key}.safetensors")
        for task, record in zip(tasks, records, strict=True)
        if record.status == "ok"
    }
    truths = {(name, dtype): truth_of(problem, dtype) for name, problem in problems.items() for dtype in dtypes}
    return Outcomes(shapes, dtypes, by_cell(rows), tensors, problems, truths)


@pytest.mark.parametrize("group", GROUPS)
def test_an_unedited_copy_is_equal(backend: str, group: str, outcomes_of: Callable[[str], Outcomes]) -> None:
    outcomes = outcomes_of(backend)
    cells = outcomes.cells(UNEDITED[group])
    assert len(cells) == outcomes.shapes * len(outcomes.dtypes)
    for cell in cells:
        wrong = [row for row in outcomes.rows[cell] if row["verdict"] != "equal"]
        assert not wrong, f"{cell.key}: {wrong[0]['verdict']}: {wrong[0]['first_divergence'] or wrong[0]['reason']}"


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
def test_a_planted_error_is_caught_and_named(
    backend: str, planted: Planted, outcomes_of: Callable[[str], Outcomes]
) -> None:
    outcomes = outcomes_of(backend)
    cells = outcomes.cells(planted.name)
    assert len(cells) == outcomes.shapes * len(outcomes.dtypes)
    for cell in cells:
        rows, expected = outcomes.rows[cell], planted.first_of(outcomes.problems[cell.problem])
        wrong = [row for row in rows if row["verdict"] != "equal"]
        assert wrong, f"{cell.key}: every tensor is equal, though '{planted.name}' is planted"
        assert cell_verdict(rows) == "differs", f"{cell.key}: {cell_verdict(rows)}: {wrong[0]['reason']}"
        assert wrong[0]["term"] == expected, f"{cell.key}: {wrong[0]['first_divergence']}; expected {expected}"
        assert wrong[0]["first_divergence"].startswith((f"{expected}[", f"{expected}: ")), cell.key


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
def test_a_planted_error_is_named_by_comparison_with_the_unedited_copy_alone(
    backend: str, planted: Planted, outcomes_of: Callable[[str], Outcomes]
) -> None:
    outcomes = outcomes_of(backend)
    for cell in outcomes.cells(planted.name):
        other = Cell(**{**cell.as_json(), "notation": UNEDITED[planted.problems]})
        problem = outcomes.problems[cell.problem]
        pair = {c.key: outcomes.tensors[c] for c in (cell, other)}
        (difference,) = against_each_other(problem, pair, outcomes.truths[cell.problem, cell.dtype])
        assert difference[:2] == (cell.key, other.key)
        assert difference[2].tensor == planted.first_of(problem), f"{cell.key}: {difference[2].describe()}"


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
def test_an_edit_matches_the_notation_as_it_is(planted: Planted, tmp_path: Path) -> None:
    assert plant(planted, tmp_path).is_file()


def test_no_two_errors_have_the_same_name() -> None:
    assert len({planted.name for planted in PLANTED}) == len(PLANTED)


@pytest.mark.parametrize(("old", "count"), [("absent", 0), ("b", 2)])
def test_an_edit_that_does_not_match_once_fails(old: str, count: int) -> None:
    with pytest.raises(ValueError, match=rf"here: expected '{old}' exactly once; found it {count} times"):
        edited("a b b", [(old, "c")], "here")


def test_an_error_that_leaves_a_framework_alone_fails(tmp_path: Path) -> None:
    half = Planted("half", "keras_io", "kl", torch=(("x = x.flatten(1)", "x = x"),))
    with pytest.raises(ValueError, match="expected edits for torch and for keras"):
        plant(half, tmp_path)


def test_the_problems_have_shapes_of_their_own() -> None:
    for group in GROUPS:
        problems = problems_of(group)
        assert len({(*p.x.shape, *p.noise.shape, *p.spec.hidden) for p in problems}) == SHAPES
        for one, other in pairwise(problems):
            assert one.spec != other.spec
