"""Tasks of cells: the data that a worker gets for each, and the one record that it leaves of each."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Sequence
from typing import ClassVar, Generic, TypeVar

import msgspec

from ..backends import Binding
from ..backends.table import COMPILED_MODES
from .jobs import Measure
from .records import Active, Append, Cell, CellRecord, Identity, Started, Status, identity, line_of, text_of
from .room import Room


class CellTask(msgspec.Struct, frozen=True):
    """A cell with what a worker needs to run it; each capability has its own, which `measure` runs."""

    cell: Cell
    measure: ClassVar[Measure]
    record: ClassVar[type[CellRecord]]

    def lost(self, status: Status, reason: str, traceback: str | None = None) -> CellRecord:
        """The record of a task that has no outcome."""
        return self.record(cell=self.cell, status=status, reason=reason, traceback=traceback)

    @property
    def identity(self) -> Identity:
        """The identity of its record, whatever the outcome."""
        return identity(self.lost("failed", ""))


Task = TypeVar("Task", bound=CellTask)


class TasksAsked(msgspec.Struct, Generic[Task], frozen=True):
    """Tasks in the order in which they run, and the folder that the files of their tensors go to."""

    tasks: Sequence[Task]
    tensors: str


def run_each(binding: Binding, tasks: Sequence[Task], run: Callable[[Task], CellRecord], append: Append) -> None:
    """Run tasks in order, in a worker; one that raises costs only itself.

    A task that leaves changes behind ends the worker: its record names them, and the parent starts another worker.
    """
    room = Room(binding)
    append(Started())
    for task in tasks:
        started = time.perf_counter()
        try:
            record = run(task)
        except Exception as error:
            record = task.lost("failed", *described(error))
        elapsed_s = round(time.perf_counter() - started, 3)
        left = room.changes(compiled=task.cell.mode in COMPILED_MODES)
        append(msgspec.structs.replace(record, elapsed_s=elapsed_s, left_behind=left))
        if left:
            sys.exit()


def described(error: Exception) -> tuple[str, str]:
    """An exception as the reason of a record, and its traceback; its text is the implementation's own."""
    try:
        reason = f"{type(error).__name__}: {error}"
        trace = traceback.format_exc()
    except Exception:
        reason = trace = f"{type(error).__name__}, whose text cannot be had"
    return line_of(reason), text_of(trace)


def active_of(binding: Binding, device: str, dtype: str) -> Active:
    """What ran: the binding's backend, and the device and dtype of an output tensor."""
    return Active(
        backend=binding.active_backend(),
        device=device,
        dtype=dtype,
        threads=binding.threads(),
        versions=binding.versions(),
    )
