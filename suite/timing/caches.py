"""Compile caches that live as long as a run."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


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
