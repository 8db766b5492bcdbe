"""The one supervisor of child processes: start a child, follow its records, settle the item that it died in, end it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Generic, Literal, TypeVar

import msgspec

from .environment import worker_environment
from .jobs import RECORDS, Job

Lost = Literal["failed", "timeout"]
Item = TypeVar("Item")

SIDE_BY_SIDE_S = 0.02
ONE_AFTER_THE_OTHER_S = 0.1
"""Seconds between two looks. On two cores a parent that computes would be part of what a child times."""


class Child(Generic[Item]):
    """A running child process in an empty folder of its own.

    Args:
        job: what it is started with.
        items: what it is to do, in order.
        take: called with each line of its records as it comes; whether that line is the outcome of an item. Any line
            is a sign of life.
        settle: called with the item that it died or hung in, how it was lost, why, and what it printed last; with all
            items where it wrote no line.
        timeout_s: how long it may be silent, its start counted in.
        name: what reasons call it.
        lingers: whether it has something left to do after the last item.
    """

    def __init__(
        self,
        job: Job,
        items: Sequence[Item],
        *,
        take: Callable[[bytes], bool],
        settle: Callable[[Item, Lost, str, str], None],
        timeout_s: float,
        name: str = "worker",
        lingers: bool = False,
    ):
        self.items, self.take, self.settle = list(items), take, settle
        self.timeout_s, self.name, self.lingers = timeout_s, name, lingers
        # A compiler that was just killed may still leave a file while the folder is removed.
        self._folder = tempfile.TemporaryDirectory(prefix="elbostone-", ignore_cleanup_errors=True)
        self.scratch = Path(self._folder.name)
        if job.cpus is None and job.threads is not None:
            job = msgspec.structs.replace(job, cpus=least_used(job.threads))
        self.cpus = list(job.cpus or ())
        file, records = self.scratch / "job.json", self.scratch / RECORDS
        file.write_bytes(msgspec.json.encode(job))
        records.touch()
        self._records = records.open("rb")
        with (self.scratch / "output").open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", f"{__package__}.child", str(file)],
                cwd=self.scratch,
                env=worker_environment(job, self.scratch),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._done, self._progress = 0, time.monotonic()

    def look(self) -> list[Item] | None:
        """Take new lines. Returns None while the child goes on, else the items that it did not come to."""
        ended = self._process.poll() is not None
        for line in whole_lines(self._records):
            self._progress = time.monotonic()
            self._done += self.take(line)
        left = self.items[self._done :]
        if not left and not self.lingers:
            return []
        if ended:
            # A child that wrote nothing never started: its other items would fare no better.
            lost = left[:1] if self._records.tell() else left
            code = self._process.returncode
            how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            for item in lost:
                self.settle(item, "failed", f"the {self.name} ended with {how}", self.tail())
            return left[len(lost) :]
        if time.monotonic() - self._progress > self.timeout_s:
            for item in left[:1]:
                self.settle(item, "timeout", f"no outcome within {self.timeout_s:g} s", self.tail())
            return left[1:]
        return None

    def follow(self) -> list[Item]:
        """Look until the child has ended, and end what it started. Returns the items that it did not come to."""
        try:
            while (left := self.look()) is None:
                time.sleep(ONE_AFTER_THE_OTHER_S)
        finally:
            self.stop()
        return left

    def stop(self) -> None:
        """End the child and whatever it started (compilers), and remove its folder."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._records.close()
        self._folder.cleanup()

    def tail(self) -> str:
        """The last lines that the child printed."""
        return (self.scratch / "output").read_text(encoding="utf-8", errors="replace")[-2000:].strip()


def whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a growing file that were completed since the last call."""
    while (line := file.readline()).endswith(b"\n"):
        yield line
    file.seek(-len(line), os.SEEK_CUR)


def side_by_side(
    groups: Iterable[list[Item]],
    start: Callable[[list[Item], list[int]], Child[Item]],
    *,
    parallel: int,
    threads: int,
) -> None:
    """A child per group of items, in order, so many `parallel`, each on as many CPUs as `threads`.

    A child that died is started again for the items that it did not come to.
    """
    waiting, running = list(groups), list[Child[Item]]()
    try:
        while waiting or running:
            while waiting and len(running) < parallel:
                cpus = least_used(threads, [child.cpus for child in running])
                running.append(start(waiting.pop(0), cpus))
            time.sleep(SIDE_BY_SIDE_S)
            for child in list(running):
                left = child.look()
                if left is not None:
                    child.stop()
                    running.remove(child)
                    if left:
                        waiting.insert(0, left)
    finally:
        for child in running:
            child.stop()


def least_used(threads: int, taken: Iterable[Sequence[int]] = ()) -> list[int]:
    """As many CPUs as threads, those first that the fewest of the `taken` sets hold."""
    use = dict.fromkeys(sorted(os.sched_getaffinity(0)), 0)
    for cpus in taken:
        for cpu in cpus:
            use[cpu] += 1
    return sorted(sorted(use, key=lambda cpu: use[cpu])[:threads])


def cpu_threads() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0))
