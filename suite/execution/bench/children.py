"""What the parent does with every process that measures: start it, follow its records, settle what it left, end it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

OnRecord = Callable[[dict[str, Any]], None]
Item = TypeVar("Item")
Contra = TypeVar("Contra", contravariant=True)


class Settle(Protocol[Contra]):
    """What is to be done with an item in which a process died or hung."""

    def __call__(self, item: Contra, status: str, reason: str, tail: str, /) -> None: ...


class Caches:
    """Compile caches that live as long as a run: its first pass starts from an empty one, later passes go on with it.

    Only what a backend itself keeps between processes is in them (torch.compile, JAX); one that keeps nothing compiles
    in every process, and its first calls are all cold ones.

    Args:
        root: a folder that goes when the run ends.
    """

    def __init__(self, root: Path):
        self.root = root

    def open(self, name: str, *, first: bool) -> tuple[Path, bool]:
        """The folder of a group of sessions, and whether it is empty.

        Args:
            name: of the group.
            first: whether this is the first pass, which is to find nothing.
        """
        folder = self.root / name
        if first:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        return folder, not any(folder.rglob("*"))


@contextlib.contextmanager
def caches_of_a_run() -> Iterator[Caches]:
    """Caches that go when the block ends."""
    with tempfile.TemporaryDirectory(prefix="elbostone-caches-") as name:
        yield Caches(Path(name))


class Follower:
    """Reads a growing file of records, each line once.

    Attributes:
        position: bytes read so far.
    """

    def __init__(self, path: Path):
        self.path, self.position = path, 0

    def new(self) -> list[dict[str, Any]]:
        """The records that were completed since the last call."""
        if not self.path.exists() or self.path.stat().st_size == self.position:
            return []
        with self.path.open("rb") as file:
            file.seek(self.position)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self.position += len(whole)
        return [json.loads(line) for line in whole.splitlines()]


@contextlib.contextmanager
def child(
    command: Sequence[str], scratch: Path, environment: Mapping[str, str], cwd: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A running process that writes to `scratch`/output; when the block ends it ends, with whatever it started."""
    with (scratch / "output").open("wb") as output:
        process = subprocess.Popen(
            list(command),
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def watch(
    process: subprocess.Popen[bytes],
    scratch: Path,
    items: Sequence[Item],
    *,
    outcome: Callable[[Mapping[str, Any]], bool],
    on_record: OnRecord,
    settle: Settle[Item],
    timeout_s: float,
) -> list[Item]:
    """Follow a process until it ends or hangs.

    Args:
        process: what `child` started; it appends records to `scratch`/records.jsonl.
        items: what it is to do, in order.
        outcome: whether a record is the outcome of an item; any record is a sign of life.
        on_record: called with each record as it comes.
        settle: called with the item that the process died or hung in.
        timeout_s: how long it may be silent.

    Returns:
        the items that it did not come to.
    """
    follower = Follower(scratch / "records.jsonl")
    done, progress = 0, time.monotonic()
    while True:
        # Little is done here while a cell is timed: on two cores a parent that computes would be measured too.
        time.sleep(0.1)
        ended = process.poll() is not None
        for record in follower.new():
            progress = time.monotonic()
            done += outcome(record)
            on_record(record)
        left = list(items[done:])
        if ended:
            # One that wrote nothing never started: its other items would fare no better.
            lost = left[:1] if follower.position else left
            for item in lost:
                settle(item, "failed", f"the session ended with {_how(process)}", tail(scratch))
            return left[len(lost) :]
        if time.monotonic() - progress > timeout_s:
            for item in left[:1]:
                settle(item, "timeout", f"no outcome within {timeout_s:g} s", tail(scratch))
            return left[1:]


def _how(process: subprocess.Popen[bytes]) -> str:
    code = process.returncode
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def tail(scratch: Path) -> str:
    """The last lines that a process printed."""
    return (scratch / "output").read_text(encoding="utf-8", errors="replace")[-2000:].strip()
