"""The folder of a process's temporary files; the next process removes the folders of processes that were killed."""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

PREFIX = "elbostone-of-"


@cache
def own_folder() -> Path:
    """An empty folder, which goes when this process ends; made on first use."""
    remove_left()
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        # Held until this process ends, however it ends: by that others know that it lives.
        held = os.open(folder, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
        if folder.exists():  # otherwise another process removed it as a leftover before it was locked
            break
        os.close(held)
    atexit.register(_remove_own, folder, os.getpid())
    return folder


def _remove_own(folder: Path, process: int) -> None:
    if os.getpid() == process:  # and no fork
        shutil.rmtree(folder, ignore_errors=True)


def remove_left() -> None:
    """Remove the folders whose processes have ended."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:  # somebody else's, or gone
            continue
        try:
            if os.fstat(held).st_uid == os.getuid():
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:  # its process lives
            pass
        finally:
            os.close(held)
