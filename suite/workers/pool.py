"""The pool of workers: one per backend, as many at a time as there are CPUs; and what each backend says of a device."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from ..backends.table import BACKENDS
from ..reference.errors import EnvironmentLacks
from .activity import verified
from .probe import probe
from .records import STARTED, CellRecord, append_record, as_record, kind_of
from .supervisor import Child, Lost, Start, side_by_side
from .tasks import CellTask, part_of

OnRecord = Callable[[CellRecord], None]


class Pool:
    """Runs tasks in one worker process per backend, as many at a time as there are CPUs.

    Args:
        folder: where records.jsonl and tensors/ go.
        cpus: how many CPUs the workers may use, all together.
        timeout_s: how long a cell may take, or the start of its worker.
        threads: threads of one operation; None to share the CPUs among the workers that run at a time: workers that
            use the same CPU wait for each other, on small tensors for most of their time.
        on_record: called with each record, in the order in which they are written.
    """

    def __init__(
        self,
        folder: Path,
        *,
        cpus: int,
        timeout_s: float,
        threads: int | None = None,
        on_record: OnRecord = lambda record: None,
    ):
        self.folder, self.cpus, self.timeout_s = folder, cpus, timeout_s
        self.asked_threads, self.on_record = threads, on_record
        self.threads = threads or cpus
        self.tensors = folder / "tensors"
        self.records = folder / "records.jsonl"

    def run(self, tasks: Sequence[CellTask]) -> None:
        """Run all tasks; each ends in exactly one record."""
        self.tensors.mkdir(parents=True, exist_ok=True)
        # The longest first: what is started last runs alone.
        waiting = sorted(_by_backend(tasks).values(), key=lambda group: not _compiles_each(group[0]))
        parallel, share = shared(self.cpus, len(waiting))
        self.threads = self.asked_threads or share
        side_by_side(waiting, self._start, parallel=parallel, threads=self.threads)

    def _start(self, tasks: list[CellTask], cpus: list[int]) -> Child[CellTask]:
        first, tensors = tasks[0].cell, str(self.tensors.resolve())
        parts = tuple(part_of(list(group), tensors) for _, group in groupby(tasks, lambda task: task.capability))
        structs = {kind_of(task.record): task.record for task in tasks}

        def take(line: bytes) -> bool:
            document = json.loads(line)
            if document["kind"] == STARTED:
                return False
            self._write(verified(as_record(document, structs[document["kind"]]), self.threads))
            return True

        start = Start(first.backend, first.device, parts, self.threads, cpus, compiled_once=True)
        return Child(start, tasks, take=take, settle=self._settle, timeout_s=self.timeout_s)

    def _settle(self, task: CellTask, status: Lost, reason: str, tail: str) -> None:
        self._write(task.lost(status, reason, tail))

    def _write(self, record: CellRecord) -> None:
        append_record(self.records, record)
        self.on_record(record)


def shared(cpus: int, groups: int) -> tuple[int, int]:
    """How many workers run at a time, of which each has a group of tasks, and how many CPUs each has for its own."""
    parallel = max(1, min(cpus, groups))
    return parallel, cpus // parallel


def _by_backend(tasks: Sequence[CellTask]) -> dict[tuple[str, str], list[CellTask]]:
    groups: dict[tuple[str, str], list[CellTask]] = {}
    for task in tasks:
        groups.setdefault((task.cell.backend, task.cell.device), []).append(task)
    return groups


def _compiles_each(task: CellTask) -> bool:
    return BACKENDS[task.cell.backend].compiles_each


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that goes when the block ends."""
    with tempfile.TemporaryDirectory(prefix="elbostone-") as name:
        yield Path(name)


def blind_backends(device: str, backends: Sequence[str]) -> dict[str, str]:
    """The installed backends that cannot use the device, and why.

    Args:
        device: `cpu`, which all can use, or `cuda`.
        backends: those asked for by name; empty for all.

    Raises:
        EnvironmentLacks: one that was asked for by name cannot, or none can.
    """
    if device == "cpu":
        return {}
    asked = [name for name in backends or BACKENDS if not BACKENDS[name].lacking()]
    blind: dict[str, str] = {}
    for name in asked:
        try:
            if not probe(name, device).device:
                blind[name] = f"device '{device}': no GPU that {name} can see"
        except EnvironmentLacks as error:
            blind[name] = f"device '{device}': no GPU that {name} can see ({error})"
    if len(blind) == len(asked):
        names = ", ".join(asked) or "any backend"
        raise EnvironmentLacks(f"device '{device}': no GPU that {names} can see; use --device cpu")
    for name in blind:
        if name in backends:
            raise EnvironmentLacks(blind[name])
    return blind
