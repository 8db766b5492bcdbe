"""The program `elbostone`, also as `python -m elbostone`: what surrounds it is made safe before anything is imported.

Whatever ends it, it ends with one line on stderr and a code: 130, 143 or 129 by SIGINT, SIGTERM or SIGHUP, and 141
without a line where the reader of its output has gone, as every program of a pipeline does. Python itself takes some
hundredths of a second to come here: a signal before that ends it as it ends Python.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import time
import weakref
from types import FrameType

PATIENCE_S = 5.0
"""How long what is going on may take to end after a signal, before another one is heeded."""
AGAIN_S = 0.5
"""How long after a stop it is looked at whether something has swallowed it."""
_running = False
_last = 0.0
_number = 0
_raised: weakref.ref[Stopped] | None = None


class Stopped(BaseException):
    """A signal asked the program to stop. It is no KeyboardInterrupt, to which libraries give another meaning."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.code = 128 + number


def main() -> None:
    """Run the command line, and exit with its code."""
    global _running
    _standard_streams()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup asks for that
            signal.signal(number, _stop)
    from .cli import outcome

    signal.signal(signal.SIGALRM, _again)
    sys.unraisablehook = _unraisable
    try:
        _running = True
        said, code = outcome()
        _running = False
    except Stopped as stopped:
        _running = False
        said, code = "; ".join([f"stopped by {stopped}", *getattr(stopped, "__notes__", ())]), stopped.code
    _end(said, code)


def _stop(number: int, frame: FrameType | None) -> None:
    """Stop what is going on; where nothing has begun there is nothing to end first.

    A second signal would stop the ending of workers, and the removal of folders, too.
    """
    global _last
    if not _running:  # an exception here may meet an import that takes any for a library that is not there
        with contextlib.suppress(OSError):
            os.write(2, f"elbostone: stopped by {signal.Signals(number).name}\n".encode())
        os._exit(128 + number)
    if time.monotonic() - _last > PATIENCE_S:
        _last = time.monotonic()
        _raise(number)


def _raise(number: int) -> None:
    """Raise, and look later whether it was swallowed, as a destructor or a bare `except` does with what it meets."""
    global _number, _raised
    stopped = Stopped(number)
    _number, _raised = number, weakref.ref(stopped)
    signal.setitimer(signal.ITIMER_REAL, AGAIN_S)
    try:
        raise stopped
    finally:
        del stopped  # which the traceback would hold alive


def _again(number: int, frame: FrameType | None) -> None:
    """An exception that is on its way is alive, one that was swallowed is gone."""
    if _running and _raised is not None:
        if _raised() is None:
            _raise(_number)
        signal.setitimer(signal.ITIMER_REAL, AGAIN_S)


def _unraisable(unraisable: sys.UnraisableHookArgs) -> None:
    if not isinstance(unraisable.exc_value, Stopped):
        sys.__unraisablehook__(unraisable)


def _end(said: str | None, code: int) -> None:
    """End this process, after one line on stderr and the pending output of stdout."""
    signal.setitimer(signal.ITIMER_REAL, 0)  # an alarm that meets Python while it ends would kill it
    if said:
        print(f"elbostone: {said}", file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError) and not said:
            print(f"elbostone: stdout: cannot be written to: {error.strerror}", file=sys.stderr)
        code = code or (141 if isinstance(error, BrokenPipeError) else 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for what Python flushes when it ends
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # Python gives up all other handlers before it has ended
    sys.exit(code)


class _Lenient(io.FileIO):
    """A stream of messages that ignores errors: a message that cannot be written has no reader."""

    def write(self, data: object) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]  # a buffer, as FileIO has it
        except OSError:
            return memoryview(data).nbytes  # type: ignore[arg-type]


def _standard_streams() -> None:
    """stdin, stdout and stderr that are open, and take every letter: one that they cannot write becomes its escape.

    A closed one would get the number of the next file that is opened, and be written into it.
    """
    closed = sys.stdout is None
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    remarks = io.BufferedWriter(_Lenient(2, "w", closefd=False))
    encoding = sys.stderr.encoding if sys.stderr is not None else "utf-8"
    sys.stderr = io.TextIOWrapper(remarks, encoding, errors="backslashreplace", line_buffering=True)
    if closed:
        print("elbostone: stdout: expected an open file for the results; found it closed", file=sys.stderr)
        sys.exit(2)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()
