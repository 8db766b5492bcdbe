"""Compile caches that live as long as a run."""

from __future__ import annotations

import shutil
from pathlib import Path


def open_cache(folder: Path, *, first: bool) -> tuple[Path, bool]:
    """The compile cache of a group of processes, and whether it is empty.

    Only what a backend itself keeps between processes is in it (torch.compile, JAX); one that keeps nothing compiles in
    every process, and its cold starts are all from nothing.

    Args:
        folder: of the group, below one that goes when the run ends.
        first: whether this is the first pass, which is to find nothing; later passes go on with what it left.
    """
    if first:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    return folder, not any(folder.rglob("*"))
