"""Run problems in real workers and judge them, as the commands do."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from elbostone.backends.base import cpu_count
from elbostone.equality.exclusions import load_exclusions
from elbostone.equality.judge import Row, by_cell, cell_verdict, judge
from elbostone.equality.plan import plan_cells
from elbostone.equality.records import EqualityRecord
from elbostone.reference.problem import load_problem, read_tensors
from elbostone.workers.pool import run_plan
from elbostone.workers.selection import Plan, Selection


def run_and_judge(
    folder: Path, files: Sequence[Path], selection: Selection | Mapping[Path, Selection], timeout_s: float = 300
) -> tuple[list[Row], list[EqualityRecord]]:
    """Verdict rows and records of the selected cells of some problem files, which have names of their own."""
    records: list[EqualityRecord] = []
    plan = Plan()
    problems = {file: load_problem(file) for file in files}
    for file, problem in problems.items():
        plan.add(plan_cells(problem, file, selection[file] if isinstance(selection, Mapping) else selection))
    run_plan(plan, folder, cpus=cpu_count(), timeout_s=timeout_s, on_record=records.append)
    rows: list[Row] = []
    for problem in problems.values():
        own = [record for record in records if record.cell.problem == problem.name]
        rows += judge(problem, own, lambda name: read_tensors(folder / "tensors" / name), load_exclusions())
    return rows, records


def complaints(rows: Sequence[Row], accepted: Sequence[str] = ("equal", "unsupported")) -> str:
    """A line for each cell whose verdict is another: what diverged first, or why there is no outcome."""
    lines = []
    for cell, group in by_cell(rows).items():
        if cell_verdict(group) not in accepted:
            row = next(row for row in group if row["verdict"] != "equal")
            lines.append(f"{cell_verdict(group)}: {cell.key}: {row['first_divergence'] or row['reason']}")
    return "\n".join(lines)
