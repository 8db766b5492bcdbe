"""Committed runs: the part of a finished run that is kept to read, and the tables that are written from it."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from ..claims.tables import write_claims
from ..equality.tables import write_equivalence
from ..report.tables import read_rows, rows_if_any
from ..timing.tables import write_aa, write_throughput
from ..workers.packed import pack
from ..workers.run_folder import RunFolder
from .run import Judged

# Tensors, problems and raw rounds stay with the run: others read only the tables and the records.
KEPT = ("run.json", "*.parquet", "*.csv", "*.md")
LONG = ("equivalence.csv", "claims.csv", "symbols.csv", "symbols.md")
"""Tables of many rows; a committed run keeps them only as Parquet."""
LONG_OF_OTHERS = ("theta_*.csv", "training*.csv")
"""The same of `theta` and `train`, as patterns."""


def commit(run: RunFolder, place: Path) -> None:
    """Write the committed form of a finished run beside the old folder, then put it in the old one's place."""
    fresh = place.with_name(f"{place.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for file in (
        file for pattern in KEPT for file in run.path.glob(pattern) if not any(map(file.match, LONG + LONG_OF_OTHERS))
    ):
        shutil.copyfile(file, fresh / file.name)
    committed = RunFolder(fresh)
    if run.records.exists():  # `theta` leaves none
        pack(run.documents(), committed.packed)
    settings = committed.settings()
    committed.write_settings(msgspec.structs.replace(settings, command=_anywhere(settings.command)))
    shutil.rmtree(place, ignore_errors=True)
    fresh.rename(place)


def tabulate_again(run: RunFolder) -> Judged:
    """Write the tables of a run without tensors, from the rows that its judges wrote.

    Raises:
        BadInput: its cells were never judged.
    """
    equality = read_rows(run.path / "equivalence.parquet")
    names = ("claims", "throughput", "trust")
    claims, speeds, trust = (rows_if_any(run.path / f"{name}.parquet") for name in names)
    write_equivalence(equality, run.path)
    if claims:
        write_claims(claims, run.path)
    if speeds:
        write_throughput(speeds, msgspec.to_builtins(run.settings()), run.path)
    if trust:
        write_aa(trust, run.path)
    return Judged(run, equality, claims, speeds, trust)


def _anywhere(command: list[str]) -> list[str]:
    """A command without the place of its run folder, which has no meaning on another machine."""
    kept, words = [], iter(command)
    for word in words:
        if word == "--out":
            next(words, None)
        elif not word.startswith("--out="):
            kept.append(word)
    return kept
