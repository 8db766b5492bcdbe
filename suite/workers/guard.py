"""The guard of a worker is the process that the parent starts. It forks the worker, and ends all that it started.

Run as `python -P -m elbostone.workers.guard JOB.json`, with a pipe from its parent as its stdin. The pipe closes when
the parent closes it or dies, however it dies, and whatever the worker is doing then. A process whose parent has died
becomes the guard's child, in whatever session it is. The guard imports the standard library alone, and keeps what the
worker printed in its own stdout, a file, to a bound.
"""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

PRINTED_MOST, READ_MOST = 2**20, 2**16
"""Bytes that the file of what was printed may have, and those that are read at once."""
END_S = 5
"""Seconds in which what was killed is waited for; a process in a system call that never ends is left behind."""

# linux/prctl.h
_DEATH_SIGNAL, _CHILD_SUBREAPER = 1, 36


def guard(run: Path) -> bool:
    """Fork. Returns True in the worker; the guard ends as the worker did.

    Args:
        run: the folder of the worker, which is removed where the parent can no more.
    """
    _prctl(_CHILD_SUBREAPER, 1)
    printed, its_output = os.pipe()
    own = os.getpid()
    worker = os.fork()
    if worker == 0:
        os.setpgid(0, 0)  # a signal to its own group is none to the guard
        _prctl(_DEATH_SIGNAL, signal.SIGKILL)  # of the guard, which has one thread
        if os.getppid() != own:
            os._exit(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (its_output, 1), (its_output, 2)):
            os.dup2(source, target)
        for handle in (nothing, printed, its_output):
            os.close(handle)
        return True
    os.close(its_output)
    status, abandoned = _follow(worker, printed)
    _end_all()
    _keep(printed)
    if abandoned:
        _remove(run)
    _end_like(status)
    return False


def _follow(worker: int, printed: int) -> tuple[int, bool]:
    """Wait for the worker's end, or the parent's. Returns the worker's status, and whether the parent let go of it."""
    woken, wakes = os.pipe()
    for handle in (woken, wakes, printed):
        os.set_blocking(handle, False)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    watched = [0, woken, printed]
    while True:
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == worker:
                    return ended[1], False
        ready, _, _ = select.select(watched, [], [])
        if woken in ready:
            os.read(woken, 4096)
        if printed in ready and not _keep(printed):
            watched.remove(printed)
        if 0 in ready and not os.read(0, 1):
            return signal.SIGKILL, True


def _keep(printed: int) -> bool:
    """Move what was printed to the file; of too many bytes it keeps the last ones. False where no more can come."""
    for _ in range(64):  # an endless output leaves time for the rest
        try:
            text = os.read(printed, READ_MOST)
        except BlockingIOError:
            return True
        if not text:
            return False
        with suppress(OSError):  # a full disk
            if os.lseek(1, 0, os.SEEK_CUR) + len(text) > PRINTED_MOST:
                os.ftruncate(1, 0)
                os.lseek(1, 0, os.SEEK_SET)
            os.write(1, text)
    return True


def _end_all() -> None:
    """Kill the children until there are none: those of each that is killed become the guard's."""
    deadline = time.monotonic() + END_S
    while time.monotonic() < deadline:
        for process in _children():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


def _children() -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                # The name, in brackets, may have any characters; then the state and the parent.
                fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
                if int(fields[1]) == os.getpid():
                    found.append(int(entry.name))
    return found


def _remove(folder: Path) -> None:
    from shutil import rmtree

    os.chdir("/")
    rmtree(folder, ignore_errors=True)


def _end_like(status: int) -> None:
    """End with the worker's exit code, or by its signal."""
    if os.WIFSIGNALED(status):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with suppress(OSError):  # SIGKILL has no handler
            signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.waitstatus_to_exitcode(status))


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__" and guard(Path(sys.argv[1]).parent):
    from .child import main

    main(sys.argv[1])
