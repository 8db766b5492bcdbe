"""Cells and records: what is run, and its outcome, one line of JSON that is never changed once written."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ..definition.errors import BadInput

# History of the schema:
# 1: first.
SCHEMA = 1

#: The kind of records that hold facts for claims, and the name of the problem that their cells have.
CLAIMS = "claims"

STATUSES = ("ok", "unsupported", "missing", "failed", "timeout")


@dataclass(frozen=True, order=True)
class Cell:
    """Implementation × backend × device × dtype × mode, on one problem."""

    problem: str
    notation: str
    framework: str
    backend: str
    device: str
    dtype: str
    mode: str

    @property
    def key(self) -> str:
        """A name for files and test ids."""
        return "-".join((self.problem, self.notation, self.backend, self.device, self.dtype, self.mode))

    def as_json(self) -> dict[str, str]:
        return asdict(self)


CELL_FIELDS = tuple(f.name for f in fields(Cell))


def cell_of(record: Mapping[str, Any]) -> Cell:
    """The cell that a record is about."""
    return Cell(**{name: record[name] for name in CELL_FIELDS})


def make_record(cell: Cell, status: str, reason: str | None = None, **more: Any) -> dict[str, Any]:
    """A record of a cell; `status` is one of `STATUSES`."""
    assert status in STATUSES
    return {"schema": SCHEMA, **cell.as_json(), "status": status, "reason": reason, **more}


def append_record(path: Path, record: Mapping[str, Any]) -> None:
    """Add a line and force it to disk, so that a killed run loses nothing that it had finished."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_records(path: Path) -> list[dict[str, Any]]:
    """All records of a file; a last line cut off by a kill is left out.

    Raises:
        BadInput: the file is missing, a line is no record, or its schema is newer than this reader.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from None
    records: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        if not line.endswith("\n"):
            break
        try:
            record = json.loads(line)
        except ValueError as error:
            raise BadInput(f"{path}: line {number}: expected JSON; found {error}") from None
        if not isinstance(record, dict) or not isinstance(record.get("schema"), int):
            raise BadInput(f"{path}: line {number}: expected a record with a schema; found {line.strip()[:60]!r}")
        if record["schema"] > SCHEMA:
            raise BadInput(f"{path}: line {number}: expected schema {SCHEMA} or older; found {record['schema']}")
        records.append(record)
    return records


def trim_partial_line(path: Path) -> None:
    """Cut off a last line without an end, so that a resumed run appends after a whole one."""
    if not path.exists():
        return
    text = path.read_bytes()
    if text and not text.endswith(b"\n"):
        path.write_bytes(text[: text.rfind(b"\n") + 1])


def done(records: Iterable[Mapping[str, Any]], kind: str | None = None) -> set[Cell]:
    """The cells that have a record of a kind, None for equality; those of throughput have a key of their own."""
    return {cell_of(record) for record in records if record.get("kind") == kind}
