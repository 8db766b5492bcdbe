"""Committed runs: what of a finished run is kept to read, and its tables written from that."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec

from ..claims.tables import write_claims
from ..equality.tables import write_equivalence
from ..report.tables import read_rows
from ..timing.tables import write_aa, write_throughput
from ..workers.packed import pack
from ..workers.records import read_records
from ..workers.run_folder import RunFolder
from .run import Judged

# Tensors, problems and raw rounds stay with the run: the tables and the records are what others read.
KEPT = ("run.json", "*.parquet", "*.csv", "*.md")
LONG = ("equivalence.csv", "claims.csv")
"""Tables of many rows; of a committed run they are kept as Parquet alone."""


def commit(run: RunFolder, place: Path) -> None:
    """Write the committed form of a finished run beside the old folder, then put it in the old one's place."""
    fresh = place.with_name(f"{place.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for file in (file for pattern in KEPT for file in run.path.glob(pattern) if file.name not in LONG):
        shutil.copyfile(file, fresh / file.name)
    committed = RunFolder(fresh)
    pack(read_records(run.records), committed.packed)
    settings = committed.settings()
    committed.write_settings(msgspec.structs.replace(settings, command=_anywhere(settings.command)))
    shutil.rmtree(place, ignore_errors=True)
    fresh.rename(place)


def tabulate_again(run: RunFolder) -> Judged:
    """Write the tables of a run whose tensors are not here from the rows that its judges left.

    Raises:
        BadInput: its cells were never judged.
    """
    equality = read_rows(run.path / "equivalence.parquet")
    names = ("claims", "throughput", "trust")
    claims, speeds, trust = (_rows(run.path / f"{name}.parquet") for name in names)
    write_equivalence(equality, run.path)
    if claims:
        write_claims(claims, run.path)
    if speeds:
        write_throughput(speeds, msgspec.to_builtins(run.settings()), run.path)
    if trust:
        write_aa(trust, run.path)
    return Judged(run, equality, claims, speeds, trust)


def _rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a table; none where the run has no such table."""
    return read_rows(path) if path.exists() else []


def _anywhere(command: list[str]) -> list[str]:
    """A command without where its run folder was made: a folder of one machine, which says nothing on another."""
    kept, words = [], iter(command)
    for word in words:
        if word == "--out":
            next(words, None)
        elif not word.startswith("--out="):
            kept.append(word)
    return kept
