"""What does the user's code do beside computing? It may fork, exceed limits, or change settings of the process."""

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
    """Whether a file belongs to Python's standard library or an installed package."""
    return "site-packages" in file or file.startswith(_STANDARD)


def raised_at(error: BaseException, *, ours: bool = False) -> str:
    """The innermost line of the user's code in an error's traceback, as ` (FILE.py, line N)`; empty if there is none.

    Args:
        error: the error.
        ours: whether to take the innermost line of this package instead.
    """
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        file = frame.f_code.co_filename
        own = file.startswith(_PACKAGE)
        if file.endswith(".py") and (own if ours else not own and not installed(file)):
            return f" ({Path(file).name}, line {line})"
    return ""


def failure(error: BaseException) -> str:
    """An error in one line: its type, its message, and the user's line."""
    said = re.sub("\x1b\\[[0-9;]*m", "", str(error)).partition("\nArguments received by ")[0]  # Keras adds these
    return f"{type(error).__name__}: {' '.join(said.split())[:300]}{raised_at(error)}"


_watched: list[int] = []
_forks: list[str] = []


class Misbehaved(BaseException):
    """The user's code forked or exceeded a limit. A BaseException, so that no experiment catches it and goes on."""


def _note_fork() -> None:
    if _watched:
        frame = traceback.extract_stack(limit=2)[0]  # the caller of os.fork
        _forks.append(f"{Path(frame.filename).name}, line {frame.lineno}")


os.register_at_fork(before=_note_fork)


def print_into_a_file() -> None:
    """Print into the guard's output file instead of its pipe: at the file's limit, an error has the user's line."""
    kept = os.open(f"/proc/{os.getppid()}/fd/1", os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(kept, stream)
    os.close(kept)


@contextmanager
def watched() -> Iterator[None]:
    """Run the user's code inside the context; a process that it forks is ended at the end of the context.

    Raises:
        Misbehaved: the code forked, or exceeded the limit of memory or of output.
    """
    process = os.getpid()
    _watched.append(process)
    _forks.clear()
    try:
        yield
    except MemoryError as error:
        raise Misbehaved(f"it exceeds the limit of memory{raised_at(error)}: {error}") from error
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        raise Misbehaved(f"it exceeds the limit of output{raised_at(error)}") from error
    finally:
        if os.getpid() != process:
            os._exit(0)
        _watched.pop()
    if _forks:
        raise Misbehaved(f"it forks ({_forks[0]})")


def state() -> dict[str, object]:
    """Name → value of the settings that all code of a process shares."""
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
    """The names of settings that differ."""
    return [name for name, value in before.items() if after.get(name) != value]
