"""Compile caches, which a run removes at its end."""

from __future__ import annotations

import shutil
from pathlib import Path


def open_cache(folder: Path, *, first: bool) -> tuple[Path, bool]:
    """The compile cache of a group of processes, and whether it is empty.

    It holds only files that a backend itself keeps between processes (torch.compile, JAX). Other backends compile in
    every process, so each of their first calls is a cold start.

    Args:
        folder: the folder of the group, below one that is removed when the run ends.
        first: whether this is the first pass, which starts with an empty cache; later passes use its files.
    """
    if first:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    return folder, not any(folder.rglob("*"))
