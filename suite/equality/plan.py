"""The cells of a run: every matching implementation × backend × dtype × mode, with the reasons why some cannot run."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from pathlib import Path

from ..backends.table import BACKENDS, Backend
from ..notations.notation import Notation
from ..notations.registry import packages
from ..notations.weight_maps import weight_maps
from ..notations.writing import written_by
from ..reference.errors import BadInput
from ..reference.problem import Problem
from ..workers.records import Cell, Status
from ..workers.selection import Plan, Selection, lacking_compiler
from .records import EqualityRecord, Task


def plan_cells(problem: Problem, problem_file: Path, selection: Selection) -> Plan:
    """The cells of one problem, in a fixed order."""
    plan = Plan()
    where = packages()
    backends = [BACKENDS[name] for name in selection.backends or BACKENDS]
    for backend, notation, dtype, mode in product(backends, selection.notations, selection.dtypes, selection.modes):
        if mode not in backend.modes or dtype not in backend.dtypes:
            continue
        if mode == "published" and notation.methods.quantities_as_published is None:
            continue
        written = written_by(notation, problem.spec)
        task = Task(
            Cell(problem.name, notation.id, backend.framework, backend.name, selection.device, dtype, mode),
            str(problem_file.absolute()),  # a worker runs in a folder of its own
            where[notation.id],
            str(notation.path),
            selection.gradients,
            notation.adapted(written.target if written else problem.spec),
            written.text if written else None,
        )
        if settled := _settled(task.cell, backend, notation, problem, selection):
            plan.settled.append(task.lost(*settled))
            continue
        assert written
        weight_maps(notation, backend.framework, written.target)  # a wrong weights table is bad input
        plan.tasks.append(task)
    installed = [backend for backend in backends if not backend.lacking()]
    for backend, (name, reason) in product(installed, selection.broken.items()):
        rest = (backend.framework, backend.name, selection.device, selection.dtypes[0], selection.modes[0])
        cell = Cell(problem.name, name, *rest)
        plan.settled.append(EqualityRecord(cell=cell, status="failed", reason=reason, adapted=False))
    return plan


def _settled(
    cell: Cell, backend: Backend, notation: Notation, problem: Problem, selection: Selection
) -> tuple[Status, str] | None:
    """The status of a cell that cannot run, and why."""
    if written_by(notation, problem.spec) is None:
        return "unsupported", str(notation.unsupported(problem.spec))
    if backend.lacking():
        return "missing", backend.remedy()
    if cell.backend in selection.blind:
        return "missing", selection.blind[cell.backend]
    if cell.backend == "torch" and cell.mode == "compiled" and (lack := lacking_compiler()):
        return "missing", lack
    return None


def require_cells(problems: Iterable[Problem], selection: Selection) -> None:
    """Raises BadInput where no cell of any problem matches, or a notation's weights table does not fit."""
    plans = [plan_cells(problem, Path(), selection) for problem in problems]
    if not any(plan.tasks or plan.settled for plan in plans):
        asked = f"mode {', '.join(selection.modes)}, dtype {', '.join(selection.dtypes)}"
        raise BadInput(f"no cell matches: none of the chosen backends and notations has {asked}")
