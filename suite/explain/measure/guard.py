"""What other people's code does beside computing: it forks, exits, or leaves the process another one than it was."""

from __future__ import annotations

import errno
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

_STANDARD = sysconfig.get_path("stdlib")
_PACKAGE = str(Path(__file__).parents[2])


def installed(file: str) -> bool:
    """Whether a file is Python's own, or of an installed package."""
    return "site-packages" in file or file.startswith(_STANDARD)


def raised_at(error: BaseException, *, ours: bool = False) -> str:
    """` (FILE.py, line N)`: the last line of the user's, or of ours, that an error came through; or nothing."""
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        file = frame.f_code.co_filename
        own = file.startswith(_PACKAGE)
        if file.endswith(".py") and (own if ours else not own and not installed(file)):
            return f" ({Path(file).name}, line {line})"
    return ""


def failure(error: BaseException) -> str:
    """An error in one line: its type, what it says, and the user's line."""
    said = re.sub("\x1b\\[[0-9;]*m", "", str(error)).partition("\nArguments received by ")[0]  # Keras paints, and lists
    return f"{type(error).__name__}: {' '.join(said.split())[:300]}{raised_at(error)}"


_watched: list[int] = []
_forks: list[str] = []


class Misbehaved(BaseException):
    """The user's code did what no loss does; no experiment goes on, whatever exceptions it expects."""


def _note_fork() -> None:
    if _watched:
        frame = traceback.extract_stack(limit=2)[0]  # the last but one: what called os.fork
        _forks.append(f"{Path(frame.filename).name}, line {frame.lineno}")


os.register_at_fork(before=_note_fork)


def print_into_a_file() -> None:
    """The guard lets a worker print on and on through its pipe; at the limit of a file the user's line is known."""
    kept = os.open(f"/proc/{os.getppid()}/fd/1", os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(kept, stream)
    os.close(kept)


@contextmanager
def watched() -> Iterator[None]:
    """The user's code runs inside; a process that it forks ends when it comes out.

    Raises:
        Misbehaved: it forked, or came to the limit of memory or of what it may print.
    """
    process = os.getpid()
    _watched.append(process)
    _forks.clear()
    try:
        yield
    except MemoryError as error:
        raise Misbehaved(f"it takes more memory than it may{raised_at(error)}: {error}") from error
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        raise Misbehaved(f"it prints or writes more than it may{raised_at(error)}") from error
    finally:
        if os.getpid() != process:
            os._exit(0)
        _watched.pop()
    if _forks:
        raise Misbehaved(f"it forks ({_forks[0]})")


def state() -> dict[str, object]:
    """What a process shares: compared before and after, it says what the user's code changed."""
    found: dict[str, object] = {
        "the working folder": Path.cwd(),
        "the environment's variables": dict(os.environ),
        "NumPy's handling of errors": np.geterr(),
        "the recursion limit": sys.getrecursionlimit(),
        "standard output": id(sys.stdout),
        "standard error": id(sys.stderr),
    }
    torch = sys.modules.get("torch")
    if torch is not None:
        found["torch's default dtype"] = str(torch.get_default_dtype())
        found["whether torch has gradients"] = torch.is_grad_enabled()
    return found


def differing(before: dict[str, object], after: dict[str, object]) -> list[str]:
    """The names of what differs."""
    return [name for name, value in before.items() if after.get(name) != value]
