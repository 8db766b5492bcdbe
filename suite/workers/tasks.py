"""Tasks of cells: what a worker is told of each, and how it leaves exactly one record of each."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from typing import ClassVar, Generic, TypeVar

import msgspec

from ..backends import Binding
from .jobs import Measure
from .records import Active, Append, Cell, CellRecord, Started, Status


class CellTask(msgspec.Struct, frozen=True):
    """A cell with what a worker needs to run it; each capability has its own, which `measure` runs."""

    cell: Cell
    measure: ClassVar[Measure]
    record: ClassVar[type[CellRecord]]

    def lost(self, status: Status, reason: str, traceback: str | None = None) -> CellRecord:
        """The record of a task that has no outcome."""
        return self.record(cell=self.cell, status=status, reason=reason, traceback=traceback)


Task = TypeVar("Task", bound=CellTask)


class TasksAsked(msgspec.Struct, Generic[Task], frozen=True):
    """Tasks in the order in which they run, and the folder that the files of their tensors go to."""

    tasks: Sequence[Task]
    tensors: str


def run_each(tasks: Sequence[Task], run: Callable[[Task], CellRecord], append: Append) -> None:
    """Run tasks in order, in a worker; one that raises costs only itself."""
    append(Started())
    for task in tasks:
        started = time.perf_counter()
        try:
            record = run(task)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            record = task.lost("failed", reason, traceback.format_exc()[-4000:])
        append(msgspec.structs.replace(record, elapsed_s=round(time.perf_counter() - started, 3)))


def active_of(binding: Binding, device: str, dtype: str) -> Active:
    """What ran: a binding, and a device and a dtype, which are those of a tensor that came out."""
    return Active(
        backend=binding.active_backend(),
        device=device,
        dtype=dtype,
        threads=binding.threads(),
        versions=binding.versions(),
    )
