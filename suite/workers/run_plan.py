"""plan.json: the records that a run must have, written before it makes any, and the records that it still lacks."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from ..reference.errors import BadInput
from ..reference.files import read_json, write_text
from .records import Document, Identity, identity, read_records

# History of the schema of plan.json:
# 1: first.
SCHEMA = 1
PLAN = "plan.json"
RETRIES = 3
"""How often `--resume` repeats a cell that failed because of the environment."""
_LOST = ("failed", "timeout", "missing")

# Messages of failures that the environment caused, and not the implementation.
_ENVIRONMENT = re.compile(
    r"ended with signal SIG(KILL|TERM|HUP|INT|BUS)\b"
    r"|MemoryError|OutOfMemory|out of memory|RESOURCE_EXHAUSTED|Cannot allocate memory|can't allocate memory"
    r"|\[Errno (5|12|23|24|28|122)\]|No space left on device|os error 28|Disk quota exceeded"
)


class RunPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The records that a run must have.

    Attributes:
        phases: phase → the records that it must leave; None for a phase that is not planned yet, since what is timed
            depends on which cells are equal.
    """

    phases: dict[str, list[Identity] | None]
    schema: int = SCHEMA


def read_plan(folder: Path) -> RunPlan:
    """A run's plan; one without phases where the run has no plan, as in older runs.

    Raises:
        BadInput: the file is no plan, or newer than this reader.
    """
    path = folder / PLAN
    if not path.exists():
        return RunPlan({})
    try:
        plan = msgspec.convert(read_json(path), RunPlan)
    except msgspec.ValidationError as error:
        raise BadInput(f"{path}: expected the plan of a run; found: {error}") from None
    if plan.schema > SCHEMA:
        raise BadInput(f"{path}: expected schema {SCHEMA} or older; found {plan.schema}")
    return plan


def write_plan(folder: Path, phases: Mapping[str, Iterable[Identity] | None]) -> None:
    """Plan phases, beside those that are planned. One that is None stays as it is where it is planned."""
    known = read_plan(folder).phases
    new = {name: None if planned is None else list(dict.fromkeys(planned)) for name, planned in phases.items()}
    plan = RunPlan(known | {n: known.get(n) if planned is None else planned for n, planned in new.items()})
    # A record per line: the file of the full matrix has some ten thousand.
    lines = ",\n".join(f"{json.dumps(name)}: {_listed(planned)}" for name, planned in plan.phases.items())
    write_text(folder / PLAN, f'{{"schema": {SCHEMA}, "phases": {{\n{lines}\n}}}}\n')


def _listed(planned: list[Identity] | None) -> str:
    return "null" if planned is None else "[\n" + ",\n".join(map(json.dumps, planned)) + "\n]"


def lacking(folder: Path, records: Path) -> str:
    """The planned records that a run lacks, in words; empty where it has all."""
    there = {identity(record) for record in read_records(records)} if records.exists() else set()
    said = []
    for name, planned in read_plan(folder).phases.items():
        missing = [each for each in planned or () if each not in there]
        if planned is None:
            said.append(f"{name} has not begun")
        elif missing:
            said.append(f"{name} lacks {len(missing)} of {len(planned)} records")
    return ", ".join(said)


def finished(records: Path) -> set[Identity]:
    """The final records of a run: failures that the environment caused are repeated, `RETRIES` times.

    Raises:
        BadInput: as `read_records`.
    """
    documents = read_records(records) if records.exists() else []
    tries = Counter(map(identity, documents))
    last = {identity(document): document for document in documents}
    return {key for key, document in last.items() if not by_environment(document) or tries[key] > RETRIES}


def by_environment(document: Document) -> bool:
    """Whether an outcome is missing because a worker was killed, memory ran out or a disk was full."""
    said = (document.get("reason"), document.get("traceback"))
    return document.get("status") in _LOST and any(_ENVIRONMENT.search(text) for text in said if isinstance(text, str))
