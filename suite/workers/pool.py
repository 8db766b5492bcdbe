"""The pool of workers: one per backend, as many at a time as there are CPUs."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import msgspec

from ..backends.table import BACKENDS
from .jobs import Job
from .records import CellRecord, append_record, as_record, kind_of, line_of, text_of, verified
from .selection import Plan
from .supervisor import Child, Lost, side_by_side
from .tasks import CellTask, TasksAsked

OnRecord = Callable[[CellRecord], None]
Suspect = Callable[[CellRecord], bool]
LEFT_MOST = 10
"""The most changes that the record of a task names of those that it left behind."""


def run_plan(
    plan: Plan,
    folder: Path,
    *,
    cpus: int,
    timeout_s: float,
    threads: int = 1,
    on_record: OnRecord = lambda record: None,
    suspect: Suspect = lambda record: False,
) -> None:
    """Run a plan's tasks in one worker process per backend; each ends in exactly one record, after those settled.

    A task that fails, that is suspect, or that its worker dies or hangs in, is run again as the first of a new worker:
    only what comes out then is its own doing, and no other implementation's before it. So is all that comes after a
    task that left something behind.

    Args:
        plan: the tasks, and the records of cells that cannot run.
        folder: where records.jsonl and tensors/ go.
        cpus: how many CPUs the workers may use, all together.
        timeout_s: how long a cell may take, or the start of its worker.
        threads: threads of one operation. On tensors as small as those of most problems, two of them wait for each
            other for most of their time: what a notation claims takes seven times as long.
        on_record: called with each record, in the order in which they are written.
        suspect: whether an outcome is not as it has to be.
    """
    tensors = folder / "tensors"
    tensors.mkdir(parents=True, exist_ok=True)
    groups: dict[tuple[str, str], list[CellTask]] = {}
    for task in plan.tasks:
        groups.setdefault((task.cell.backend, task.cell.device), []).append(task)
    # The longest first, since the last worker runs alone.
    waiting = sorted(groups.values(), key=lambda tasks: not BACKENDS[tasks[0].cell.backend].compiles_each)

    def write(record: CellRecord) -> None:
        append_record(folder / "records.jsonl", record)
        on_record(record)

    def settle(task: CellTask, status: Lost, reason: str, tail: str) -> None:
        write(task.lost(status, reason, tail))

    def start(tasks: list[CellTask], cpus: list[int]) -> Child[CellTask]:
        left = deque(tasks)

        def take(line: bytes) -> bool:
            record = record_of(line, left[0]) if left else None
            if record is None:
                return False
            record = verified(record, threads)
            if not child.first and (record.status == "failed" or suspect(record)):
                child.retire()
                return False
            write(record)
            left.popleft()
            if record.left_behind:
                child.retire()
            return True

        parts = tuple(
            (measure, TasksAsked(list(group), str(tensors.resolve())))
            for measure, group in groupby(tasks, lambda task: task.measure)
        )
        cell = tasks[0].cell
        job = Job(cell.backend, cell.device, parts, threads, cpus)
        child = Child(job, tasks, take=take, settle=settle, timeout_s=timeout_s, again=True)
        return child

    for record in plan.settled:
        write(record)
    # Workers that used the same CPU would wait for each other.
    side_by_side(waiting, start, parallel=max(1, cpus // threads), threads=threads)


def record_of(line: bytes, task: CellTask) -> CellRecord | None:
    """The record of a task that a worker wrote; None where the line is of something else.

    Raises:
        ValueError: it is no record.
    """
    document = json.loads(line)
    if not isinstance(document, dict):
        raise ValueError(f"expected an object; found {type(document).__name__}")
    if document.get("kind") != kind_of(task.record):
        return None
    try:
        record = as_record(document, task.record)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
    if record.cell != task.cell:
        return None
    if record.tensors not in (None, f"{task.cell.key}.safetensors"):
        raise ValueError(f"expected the tensors of {task.cell.key}")
    return msgspec.structs.replace(
        record,
        reason=None if record.reason is None else line_of(record.reason),
        traceback=None if record.traceback is None else text_of(record.traceback),
        left_behind=[line_of(text) for text in record.left_behind[:LEFT_MOST]],
    )
