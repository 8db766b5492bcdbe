"""The cells of a run: every matching implementation × backend × dtype × mode, and why some cannot run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..definition.errors import BadInput, EnvironmentLacks
from ..definition.maps import weight_maps
from ..definition.notation import Notation
from ..definition.problem import Problem
from ..definition.registry import packages
from ..definition.writing import written_by
from .backends import BACKENDS, DEVICES, DTYPES, MODES, Backend, one_of
from .cells import EqualityRecord, Task
from .claims.records import ClaimsRecord, ClaimsTask
from .records import CLAIMS, Cell, CellRecord, Status
from .tasks import CellTask


@dataclass
class Plan:
    """What will run, and the records of what will not."""

    tasks: list[CellTask] = field(default_factory=list)
    settled: list[CellRecord] = field(default_factory=list)

    def add(self, other: Plan) -> None:
        self.tasks += other.tasks
        self.settled += other.settled


@dataclass(frozen=True)
class Selection:
    """What a command asked for; an empty tuple means all. `blind`: backends that cannot use the device, and why."""

    notations: tuple[Notation, ...]
    backends: tuple[str, ...] = ()
    device: str = "cpu"
    dtypes: tuple[str, ...] = ("float64",)
    modes: tuple[str, ...] = ("eager",)
    gradients: bool = True
    blind: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse unknown words and what was asked for by name and is not here.

        Raises:
            BadInput: an unknown backend, device, dtype or mode.
            EnvironmentLacks: a named backend or the compiler of a named mode is not installed.
        """
        one_of("device", self.device, DEVICES)
        for dtype in self.dtypes:
            one_of("dtype", dtype, DTYPES)
        for mode in self.modes:
            one_of("mode", mode, MODES)
        for name in self.backends:
            one_of("backend", name, tuple(BACKENDS))
            if BACKENDS[name].lacking():
                raise EnvironmentLacks(BACKENDS[name].remedy())
        if "torch" in self.backends and "compiled" in self.modes and (lack := lacking_compiler()):
            raise EnvironmentLacks(lack)


def lacking_compiler() -> str | None:
    """Why torch.compile cannot work here; None where its C++ compiler is found."""
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler.split()[0]) is not None:
        return None
    need = "mode 'compiled' on backend 'torch' needs a C++ compiler"
    return f"{need}; '{compiler}' is not on the PATH: install g++, or set CXX"


def plan_cells(problem: Problem, problem_file: Path, selection: Selection) -> Plan:
    """The cells of one problem, in a fixed order."""
    plan = Plan()
    where = packages()
    for backend in (BACKENDS[name] for name in selection.backends or BACKENDS):
        for notation in selection.notations:
            for dtype in selection.dtypes:
                for mode in selection.modes:
                    if mode not in backend.modes or dtype not in backend.dtypes:
                        continue
                    if mode == "published" and notation.methods.quantities_as_published is None:
                        continue
                    cell = Cell(
                        problem.name, notation.id, backend.framework, backend.name, selection.device, dtype, mode
                    )
                    written = written_by(notation, problem.spec)
                    adapted = notation.adapted(written.target if written else problem.spec)
                    embedding = written.text if written else None
                    if settled := _settled(cell, backend, notation, problem, selection):
                        status, reason = settled
                        plan.settled.append(
                            EqualityRecord(
                                cell=cell, status=status, reason=reason, adapted=adapted, embedding=embedding
                            )
                        )
                        continue
                    assert written
                    weight_maps(notation, backend.framework, written.target)  # a bad table is bad input
                    plan.tasks.append(
                        Task(
                            cell,
                            str(problem_file.absolute()),  # a worker runs in a folder of its own
                            where[notation.id],
                            str(notation.path),
                            selection.gradients,
                            adapted,
                            embedding,
                        )
                    )
    return plan


def plan_claims(selection: Selection) -> Plan:
    """One cell per notation and backend that gathers the facts for its claims, in float64, eagerly, on the CPU."""
    plan = Plan()
    where = packages()
    for backend in (BACKENDS[name] for name in selection.backends or BACKENDS):
        for notation in selection.notations:
            cell = Cell(CLAIMS, notation.id, backend.framework, backend.name, "cpu", "float64", "eager")
            if backend.lacking():
                plan.settled.append(ClaimsRecord(cell=cell, status="missing", reason=backend.remedy()))
                continue
            plan.tasks.append(ClaimsTask(cell, where[notation.id], str(notation.path)))
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
