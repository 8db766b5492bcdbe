"""Equality in a worker: every cell of a job on its problem, one record each."""

from __future__ import annotations

from functools import cache, partial
from importlib import import_module
from pathlib import Path
from types import ModuleType

from ..backends import Binding
from ..notations.notation import Notation
from ..notations.reader import load_notation
from ..reference.lifting import SEPARATOR, lifted
from ..reference.problem import Problem, load_problem, save_tensors
from ..workers.evaluation import evaluate
from ..workers.records import Append, Cell, number
from ..workers.subject import prepare
from ..workers.tasks import TasksAsked, active_of, run_each
from .clamp import clamp_logit
from .records import EqualityRecord, Task

Asked = TasksAsked[Task]


def measure(binding: Binding, asked: TasksAsked[Task], append: Append) -> None:
    """Run all cells, and write their tensors to the requested folder."""
    run_each(binding, asked.tasks, partial(_run, binding, Path(asked.tensors)), append)


def _run(binding: Binding, folder: Path, task: Task) -> EqualityRecord:
    cell, problem = task.cell, _problem(task.problem_file)
    notation = _notation(task.notation_file, cell.notation)
    module = import_module(f"{task.package}.{cell.framework}_vae")
    forced = lifted(problem.spec, *(task.embedding or "").split(SEPARATOR)) if task.forced else None
    subject = prepare(binding, cell, notation, module, problem, forced)
    outcome = evaluate(subject, problem, gradients=task.gradients)
    path = folder / f"{cell.key}.safetensors"
    save_tensors(outcome.tensors, path)
    return EqualityRecord(
        cell=cell,
        status="ok",
        adapted=notation.adapted(subject.spec),
        embedding=subject.embedded.text,
        bound=notation.objective.bound,
        published_objective=number(outcome.published_objective),
        tensors=path.name,
        active=active_of(binding, outcome.device, outcome.dtype),
        graphs=outcome.graphs,
        clamp_logit=_clamp_logit(binding, cell, notation, module) if cell.mode == "published" else None,
    )


_CLAMPS: dict[tuple[str, str], dict[str, float | None] | None] = {}


def _clamp_logit(
    binding: Binding, cell: Cell, notation: Notation, module: ModuleType
) -> dict[str, float | None] | None:
    """`clamp_logit`, which is the same for all problems: measured once per notation and dtype of this process."""
    key = (notation.id, cell.dtype)
    if key not in _CLAMPS:
        _CLAMPS[key] = clamp_logit(binding, cell, notation, module)
    return _CLAMPS[key]


@cache
def _problem(path: str) -> Problem:
    return load_problem(Path(path))


@cache
def _notation(path: str, name: str) -> Notation:
    return load_notation(Path(path), name)
