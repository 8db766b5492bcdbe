"""The equality phase: plan cells, run what has no record yet, judge all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..reference.errors import BadInput
from ..reference.problem import Problem, load_problem, save_problem
from ..workers.pool import OnRecord, run_plan
from ..workers.run_folder import RunFolder
from ..workers.selection import Plan, Selection
from .exclusions import load_exclusions
from .judge import Row, judge
from .plan import plan_cells
from .records import EqualityRecord
from .tables import write_equivalence


@dataclass
class Equality:
    """Problems, each with the cells that are asked of it, in one run folder.

    Attributes:
        folder: the run.
        cpus, timeout_s, threads: as `run_plan` takes them.
        plan: what is still to run.
        problems: by name.
    """

    folder: RunFolder
    cpus: int
    timeout_s: float
    threads: int | None = None
    plan: Plan = field(default_factory=Plan)
    problems: dict[str, Problem] = field(default_factory=dict)

    def add(self, problem: Problem, selections: Iterable[Selection]) -> None:
        """Plan a problem's cells; those that have a record already are left out, so that a killed run goes on."""
        file = self.folder.problems / f"{problem.name}.json"
        if not file.exists():
            save_problem(problem, self.folder.problems)
        self.problems[problem.name] = load_problem(file)
        finished = {record.cell for record in self.folder.records_of(EqualityRecord)}
        for selection in selections:
            planned = plan_cells(problem, file, selection)
            self.plan.tasks += [task for task in planned.tasks if task.cell not in finished]
            self.plan.settled += [record for record in planned.settled if record.cell not in finished]

    @property
    def total(self) -> int:
        """How many records are still to come."""
        return len(self.plan.tasks) + len(self.plan.settled)

    def run(self, on_record: OnRecord) -> list[Row]:
        """Run what was planned and judge all cells of the run; the tables are written."""
        run_plan(
            self.plan,
            self.folder.path,
            cpus=self.cpus,
            timeout_s=self.timeout_s,
            threads=self.threads,
            on_record=on_record,
        )
        return judge_run(self.folder, self.problems.values())


def judge_run(folder: RunFolder, problems: Iterable[Problem]) -> list[Row]:
    """The rows of all cells of a run; the equivalence tables are written."""
    records = folder.records_of(EqualityRecord)
    exclusions = load_exclusions()
    rows: list[Row] = []
    for problem in problems:
        own = [record for record in records if record.cell.problem == problem.name]
        rows += judge(problem, own, folder.tensors_of, exclusions)
    write_equivalence(rows, folder.path)
    return rows


def load_problems(paths: Sequence[Path]) -> list[Problem]:
    """Problem files, all read before anything runs.

    Raises:
        BadInput: one is wrong, or two have the same name.
    """
    problems = {path: load_problem(path) for path in paths}
    seen: dict[str, Path] = {}
    for path, problem in problems.items():
        if problem.name in seen:
            raise BadInput(f"{path}: expected problems of different names; {seen[problem.name]} has this one too")
        seen[problem.name] = path
    return list(problems.values())
