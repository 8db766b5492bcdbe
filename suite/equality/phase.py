"""The equality phase: plan cells, run those without a record, judge all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..reference.errors import BadInput
from ..reference.problem import Problem, load_problem, save_problem
from ..workers.pool import OnRecord, Suspect, run_plan
from ..workers.records import CellRecord, Identity
from ..workers.run_folder import RunFolder
from ..workers.selection import Plan, Selection
from .exclusions import load_exclusions
from .judge import Row, Truths, cell_verdict, judge
from .plan import plan_cells
from .records import EqualityRecord
from .tables import write_equivalence


@dataclass
class Equality:
    """Problems, each with its cells, in one run folder.

    Attributes:
        folder: the run.
        cpus, timeout_s, threads: see `run_plan`.
        plan: the cells that are still to run.
        problems: by name.
        planned: all records of the finished run, those included that the run has already.
    """

    folder: RunFolder
    cpus: int
    timeout_s: float
    threads: int = 1
    plan: Plan = field(default_factory=Plan)
    problems: dict[str, Problem] = field(default_factory=dict)
    planned: list[Identity] = field(default_factory=list)
    _truths: Truths = field(default_factory=dict)

    def add(self, problem: Problem, selections: Iterable[Selection]) -> None:
        """Plan a problem's cells, without those that have a record already, so that a killed run can be resumed."""
        file = self.folder.problems / f"{problem.name}.json"
        if not file.exists():
            save_problem(problem, self.folder.problems)
        self.problems[problem.name] = self.folder.problem(problem.name)
        finished = self.folder.finished()
        for selection in selections:
            planned = plan_cells(problem, file, selection)
            self.planned += planned.records()
            self.plan.add(planned.without(finished))

    def run(self, on_record: OnRecord, suspect: Suspect = lambda record: False) -> list[Row]:
        """Run the rest of the plan, judge all cells of the run, and write the tables.

        Args:
            on_record: called with each record.
            suspect: whether an outcome of another kind than equality is wrong.
        """
        run_plan(
            self.plan,
            self.folder.path,
            cpus=self.cpus,
            timeout_s=self.timeout_s,
            threads=self.threads,
            on_record=on_record,
            suspect=lambda record: self._differs(record) or suspect(record),
        )
        return judge_run(self.folder, self.problems.values(), self._truths)

    def _differs(self, record: CellRecord) -> bool:
        """Whether a cell's tensors differ from the reference without a known reason."""
        if not isinstance(record, EqualityRecord):
            return False
        problem = self.problems[record.cell.problem]
        try:
            rows = judge(problem, [record], self.folder.tensors_of, load_exclusions(), self._truths)
        except BadInput:
            return True
        return cell_verdict(rows) in ("differs", "unexpected-pass")


def judge_run(folder: RunFolder, problems: Iterable[Problem] | None = None, truths: Truths | None = None) -> list[Row]:
    """Judge all cells of a run, and write the equivalence tables.

    Args:
        folder: the run.
        problems: its problems; by default all that it has records of, read from its folder.
        truths: the references that were computed while the cells ran.

    Raises:
        BadInput: a record, a problem or a file of tensors cannot be read.
    """
    records = folder.records_of(EqualityRecord)
    if problems is None:
        problems = [folder.problem(name) for name in sorted({record.cell.problem for record in records})]
    exclusions = load_exclusions()
    rows: list[Row] = []
    for problem in problems:
        own = [record for record in records if record.cell.problem == problem.name]
        rows += judge(problem, own, folder.tensors_of, exclusions, truths)
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
