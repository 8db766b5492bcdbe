"""Worker processes: start them with the whole environment they need, watch them, and go on where one died."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..definition.errors import EnvironmentLacks
from .backends import BACKENDS, base_dtype, host_of
from .child import least_used
from .environment import worker_environment
from .plan import Task
from .records import append_record, cell_of, make_record, read_records

OnRecord = Callable[[dict[str, Any]], None]


def cpu_threads() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass
class Worker:
    """One running worker: its process, its CPUs, its files, and the tasks it was given."""

    backend: str
    cpus: list[int]
    tasks: list[Task]
    process: subprocess.Popen[bytes]
    records: Path
    stderr: Path
    seen: int = 0
    size: int = 0
    progress: float = field(default_factory=time.monotonic)

    def stop(self) -> None:
        """End the worker and whatever it started (compilers)."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    @property
    def started(self) -> Path:
        """A file that is there once the worker has its framework and its device."""
        return self.records.with_name("started")

    def tail(self) -> str:
        """The last lines of its stderr."""
        return self.stderr.read_text(encoding="utf-8", errors="replace")[-2000:].strip()


class Pool:
    """Runs tasks in one worker process per backend, as many at a time as there are CPUs.

    Args:
        folder: where records.jsonl and tensors/ go.
        cpus: how many CPUs the workers may use, all together.
        timeout_s: how long a cell may take (the start of its worker counted in).
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

    def run(self, tasks: Sequence[Task]) -> None:
        """Run all tasks; each ends in exactly one record."""
        self.tensors.mkdir(parents=True, exist_ok=True)
        # The longest first: what is started last runs alone.
        waiting = sorted(_by_backend(tasks).values(), key=lambda group: not _compiles_each(group[0]))
        parallel, share = shared(self.cpus, len(waiting))
        self.threads = self.asked_threads or share
        running: list[Worker] = []
        with tempfile.TemporaryDirectory(prefix="elbostone-") as scratch:
            try:
                while waiting or running:
                    while waiting and len(running) < parallel:
                        cpus = least_used(self.threads, [worker.cpus for worker in running])
                        running.append(self._start(waiting.pop(0), Path(tempfile.mkdtemp(dir=scratch)), cpus))
                    time.sleep(0.02)
                    for worker in list(running):
                        rest = self._watch(worker)
                        if rest is not None:
                            running.remove(worker)
                            if rest:
                                waiting.insert(0, rest)
            finally:
                for worker in running:
                    worker.stop()

    def _start(self, tasks: list[Task], scratch: Path, cpus: list[int]) -> Worker:
        first = tasks[0].cell
        records, stderr = scratch / "records.jsonl", scratch / "stderr"
        job = {
            "backend": first.backend,
            "device": first.device,
            "cpus": cpus,
            "records": str(records),
            "tensors": str(self.tensors),
            "cells": [task.as_json() for task in tasks],
        }
        (scratch / "job.json").write_text(json.dumps(job), encoding="utf-8")
        with stderr.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", f"{__package__}.worker", str(scratch / "job.json")],
                env=worker_environment(first.backend, first.device, self.threads, scratch, compiled_once=True),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        return Worker(first.backend, cpus, tasks, process, records, stderr)

    def _watch(self, worker: Worker) -> list[Task] | None:
        """Collect new records. Returns None while the worker goes on, else the tasks that are still to run."""
        ended = worker.process.poll() is not None
        self._collect(worker)
        left = worker.tasks[worker.seen :]
        if not left:
            worker.stop()
            return []
        if ended:
            code = worker.process.returncode
            how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            # One that never came to its first cell would not for the next either.
            lost = left[:1] if worker.started.exists() else left
            for task in lost:
                self._settle(task, "failed", f"the worker ended with {how}", worker.tail())
            return left[len(lost) :]
        if time.monotonic() - worker.progress > self.timeout_s:
            worker.stop()
            self._settle(left[0], "timeout", f"no outcome within {self.timeout_s:g} s", worker.tail())
            return left[1:]
        return None

    def _collect(self, worker: Worker) -> None:
        size = worker.records.stat().st_size if worker.records.exists() else 0
        if size == worker.size:
            return  # reading all of it again at every look would take a core from the workers
        worker.size = size
        for record in read_records(worker.records)[worker.seen :]:
            worker.seen += 1
            worker.progress = time.monotonic()
            self._write(verified(record, self.threads))

    def _settle(self, task: Task, status: str, reason: str, tail: str) -> None:
        kind = {} if task.kind is None else {"kind": task.kind}
        self._write(make_record(task.cell, status, reason, adapted=task.adapted, traceback=tail, **kind))

    def _write(self, record: dict[str, Any]) -> None:
        append_record(self.records, record)
        self.on_record(record)


def shared(cpus: int, groups: int) -> tuple[int, int]:
    """How many workers run at a time, of which each has a group of tasks, and how many CPUs each has for its own."""
    parallel = max(1, min(cpus, groups))
    return parallel, cpus // parallel


def _by_backend(tasks: Sequence[Task]) -> dict[tuple[str, str], list[Task]]:
    groups: dict[tuple[str, str], list[Task]] = {}
    for task in tasks:
        groups.setdefault((task.cell.backend, task.cell.device), []).append(task)
    return groups


def _compiles_each(task: Task) -> bool:
    return BACKENDS[task.cell.backend].compiles_each


def verified(record: dict[str, Any], threads: int | None) -> dict[str, Any]:
    """The record, or `failed` where something else ran than was asked for; None for any number of threads."""
    if record["status"] != "ok":
        return record
    cell, active = cell_of(record), record["active"]
    wanted: dict[str, Any] = {"backend": host_of(cell.backend), "device": cell.device, "dtype": base_dtype(cell.dtype)}
    if threads is not None:
        wanted["threads"] = threads
    if cell.dtype.endswith("as-shipped"):
        wanted.pop("dtype")  # what comes out of an operation that demotes is what this dtype is there to show
    if cell.dtype == "bfloat16" and active["dtype"] == "bfloat16":
        wanted["dtype"] = "bfloat16"  # sums are kept in float32; what a net returns may be either
    for name, value in wanted.items():
        if active[name] != value:
            return {**record, "status": "failed", "reason": f"asked for {name} {value}, but {active[name]} was active"}
    return record


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that goes when the block ends."""
    with tempfile.TemporaryDirectory(prefix="elbostone-") as name:
        yield Path(name)


def probe(backend: str, device: str) -> Mapping[str, Any]:
    """What a backend's framework says of this machine, asked in a process of its own.

    Raises:
        EnvironmentLacks: the framework cannot be imported.
    """
    with scratch_folder() as scratch:
        done = subprocess.run(
            [sys.executable, "-m", f"{__package__}.worker", "--probe", backend, device],
            env=worker_environment(backend, device, cpu_threads(), scratch),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise EnvironmentLacks(f"backend '{backend}' cannot start on device '{device}': {last}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


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
            if not probe(name, device)["device"]:
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
