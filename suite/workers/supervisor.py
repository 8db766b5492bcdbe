"""The supervisor of child processes: start a child, read its records, record the item in which it died, end it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Generic, Literal, TypeVar

import msgspec

from .environment import worker_environment
from .guard import END_S
from .jobs import RECORDS, Job
from .records import line_of, text_of
from .scratch import own_folder

Lost = Literal["failed", "timeout"]
Item = TypeVar("Item")

SIDE_BY_SIDE_S = 0.02
ONE_AFTER_THE_OTHER_S = 0.1
"""Seconds between two looks. On two cores a parent that computes would be part of what a child times."""
RECORD_MOST = 2**26
"""The most bytes of a record; the longest records of claims have a hundredth of this."""
PRINTED_SHOWN = 2000
"""The most bytes of a child's last output that a record keeps."""


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
        again: whether the item that it died or hung in is run again, in a child of its own, unless it was the first:
            what others left behind may have ended it.
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
        again: bool = False,
    ):
        self.items, self.take, self.settle = list(items), take, settle
        self.timeout_s, self.name, self.lingers, self.again = timeout_s, name, lingers, again
        # A compiler that was just killed may still leave a file while the folder is removed.
        self._folder = tempfile.TemporaryDirectory(dir=own_folder(), ignore_cleanup_errors=True)
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
                [sys.executable, "-P", "-m", f"{__package__}.guard", str(file)],
                cwd=self.scratch,
                env=worker_environment(job, self.scratch),
                stdin=subprocess.PIPE,  # by whose end the guard knows that this process ended
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._done, self._progress, self._retired = 0, time.monotonic(), False

    @property
    def first(self) -> bool:
        """Whether no item has an outcome yet."""
        return self._done == 0

    def retire(self) -> None:
        """Have the items that have no outcome done by another child; `take` may call it."""
        self._retired = True

    def look(self) -> list[Item] | None:
        """Read new lines. Returns None while the child runs, else the items that it did not reach."""
        ended = self._process.poll() is not None
        try:
            for line in whole_lines(self._records):
                self._progress = time.monotonic()
                self._done += self.take(line)
                if self._retired:
                    return self.items[self._done :]
        except ValueError as error:
            return self._lose("failed", f"the {self.name} wrote what is no record: {line_of(str(error))}")
        left = self.items[self._done :]
        if not left and not self.lingers:
            return []
        if ended:
            code = self._process.returncode
            how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            # A child that wrote nothing never started: its other items would fare no better.
            return self._lose("failed", f"the {self.name} ended with {how}", every=not self._records.tell())
        if time.monotonic() - self._progress > self.timeout_s:
            return self._lose("timeout", f"no outcome within {self.timeout_s:g} s")
        return None

    def _lose(self, status: Lost, reason: str, *, every: bool = False) -> list[Item]:
        """Record the item that the child is in, or every item, as lost. Returns the items that it did not reach."""
        left = self.items[self._done :]
        if self.again and not self.first:
            return left
        lost = left if every else left[:1]
        for item in lost:
            self.settle(item, status, reason, self.tail())
        return left[len(lost) :]

    def follow(self) -> list[Item]:
        """Watch the child until it ends, and end what it started. Returns the items that it did not reach."""
        try:
            while (left := self.look()) is None:
                time.sleep(ONE_AFTER_THE_OTHER_S)
        finally:
            self.stop()
        return left

    def stop(self) -> None:
        """End the child and whatever it started, and remove its folder."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(END_S + 1)
        except subprocess.TimeoutExpired:  # somebody stopped the guard; its end is the worker's
            self._process.kill()
            self._process.wait()
        self._records.close()
        self._folder.cleanup()

    def tail(self) -> str:
        """The last lines that the child printed."""
        with (self.scratch / "output").open("rb") as output:
            output.seek(max(0, output.seek(0, os.SEEK_END) - PRINTED_SHOWN))
            return text_of(output.read(PRINTED_SHOWN).decode("utf-8", errors="replace")).strip()


def whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a growing file that were completed since the last call.

    Raises:
        ValueError: one is longer than `RECORD_MOST`.
    """
    while (line := file.readline(RECORD_MOST)).endswith(b"\n"):
        yield line
    if len(line) == RECORD_MOST:
        raise ValueError(f"a line of more than {RECORD_MOST:,} bytes")
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
    """As many CPUs as threads, starting with those that the fewest of the `taken` sets contain."""
    use = dict.fromkeys(sorted(os.sched_getaffinity(0)), 0)
    for cpus in taken:
        for cpu in cpus:
            use[cpu] += 1
    return sorted(sorted(use, key=lambda cpu: use[cpu])[:threads])
