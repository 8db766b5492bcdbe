"""The pool of workers: one per backend, as many at a time as there are CPUs."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

from ..backends.table import BACKENDS
from .jobs import Job
from .records import CellRecord, Started, append_record, as_record, kind_of, verified
from .selection import Plan
from .supervisor import Child, Lost, side_by_side
from .tasks import CellTask, TasksAsked

OnRecord = Callable[[CellRecord], None]


def run_plan(
    plan: Plan,
    folder: Path,
    *,
    cpus: int,
    timeout_s: float,
    threads: int | None = None,
    on_record: OnRecord = lambda record: None,
) -> None:
    """Run a plan's tasks in one worker process per backend; each ends in exactly one record, after those settled.

    Args:
        plan: what runs, and what cannot.
        folder: where records.jsonl and tensors/ go.
        cpus: how many CPUs the workers may use, all together.
        timeout_s: how long a cell may take, or the start of its worker.
        threads: threads of one operation; None to share the CPUs among the workers that run at a time: workers that
            use the same CPU wait for each other, on small tensors for most of their time.
        on_record: called with each record, in the order in which they are written.
    """
    tensors = folder / "tensors"
    tensors.mkdir(parents=True, exist_ok=True)
    groups: dict[tuple[str, str], list[CellTask]] = {}
    for task in plan.tasks:
        groups.setdefault((task.cell.backend, task.cell.device), []).append(task)
    # The longest first: what is started last runs alone.
    waiting = sorted(groups.values(), key=lambda tasks: not BACKENDS[tasks[0].cell.backend].compiles_each)
    parallel, share = shared(cpus, len(waiting))
    each = threads or share

    def write(record: CellRecord) -> None:
        append_record(folder / "records.jsonl", record)
        on_record(record)

    def settle(task: CellTask, status: Lost, reason: str, tail: str) -> None:
        write(task.lost(status, reason, tail))

    def start(tasks: list[CellTask], cpus: list[int]) -> Child[CellTask]:
        structs = {kind_of(task.record): task.record for task in tasks}

        def take(line: bytes) -> bool:
            document = json.loads(line)
            if document["kind"] == kind_of(Started):
                return False
            write(verified(as_record(document, structs[document["kind"]]), each))
            return True

        parts = tuple(
            (measure, TasksAsked(list(group), str(tensors.resolve())))
            for measure, group in groupby(tasks, lambda task: task.measure)
        )
        cell = tasks[0].cell
        job = Job(cell.backend, cell.device, parts, each, cpus, compiled_once=True)
        return Child(job, tasks, take=take, settle=settle, timeout_s=timeout_s)

    for record in plan.settled:
        write(record)
    side_by_side(waiting, start, parallel=parallel, threads=each)


def shared(cpus: int, groups: int) -> tuple[int, int]:
    """How many workers run at a time, of which each has a group of tasks, and how many CPUs each has for its own."""
    parallel = max(1, min(cpus, groups))
    return parallel, cpus // parallel
