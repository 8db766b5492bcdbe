"""Cells and records: a cell is what runs, a record its outcome, one line of JSON that is never changed."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from ..backends.table import base_dtype, host_of
from ..reference.errors import BadInput
from ..reference.files import MOST_RECORD_BYTES, naming, printable, read_text
from .packed import PACKED, unpack

# History of the schema:
# 1: first; a record of equality has no `kind`.
# 2: every record has a `kind`, one of equality `equality`; numbers of cells that may be NaN or infinite are texts.
SCHEMA = 2

#: The kinds of records that cells leave. CLAIMS is also the name of the problem of the cells that gather facts.
EQUALITY, CLAIMS = "equality", "claims"

Status = Literal["ok", "unsupported", "missing", "failed", "timeout"]

Number = float | Literal["nan", "inf", "-inf"]
"""The form of a float in a record, since JSON has no NaN and no infinity; `float(number)` reads it."""

MOST_WORD, LINE_MOST, TEXT_MOST = 200, 500, 4000
"""Characters of a field of a cell, of a reason, and of a traceback or of what was printed last."""

Document = dict[str, Any]
"""A record as plain JSON values."""


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
Identity = tuple[str, ...]
"""The kind of a record, its cell, and of a timing the fields of `TIMED`, as texts."""
TIMED = {
    "workload": "",
    "stage": "",
    "batch": 0,
    "rung": "",
    "threads": "pinned",
    "bound": "elbo",
    "arm": "",
    "slowed": 0.0,
    "pass": None,
}
"""The fields by which timings of one cell differ, with what holds where an older record has no such field."""


class Active(msgspec.Struct, frozen=True, kw_only=True):
    """The active backend, device, dtype and threads, as the framework reports them for the outputs and the process."""

    backend: str
    device: str
    dtype: str
    threads: int
    versions: dict[str, str] = {}


class CellRecord(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """The outcome of one cell; each capability has a kind of its own. In JSON the fields of the cell stand beside it.

    Attributes:
        cell: what ran, or did not.
        status: how it ended.
        reason: why there is no outcome; None where there is one.
        tensors: the name of the file of its tensors.
        active: what ran.
        traceback: the traceback, or the last lines that were printed.
        elapsed_s: seconds that the cell took.
        left_behind: the changes that it left in its worker, which was ended; the next cells ran in another.
    """

    cell: Cell
    status: Status
    reason: str | None = None
    tensors: str | None = None
    active: Active | None = None
    traceback: str | None = None
    elapsed_s: float | None = None
    left_behind: list[str] = []
    schema: int = SCHEMA


class Started(msgspec.Struct, frozen=True, tag_field="kind", tag="started"):
    """The line by which a worker says that its framework and its device are there; it is not kept."""


Record = TypeVar("Record", bound=CellRecord)
Struct = TypeVar("Struct", bound=msgspec.Struct)
Append = Callable[[msgspec.Struct], None]
"""The function with which a child writes its records."""


def line_of(text: str) -> str:
    """The first line that is not empty, printable, and no longer than `LINE_MOST`."""
    line = printable((text.lstrip()[: LINE_MOST + 1].splitlines() or [""])[0])
    return line if len(line) <= LINE_MOST else line[: LINE_MOST - 1] + "…"


def text_of(text: str) -> str:
    """The end of a text, printable, and no longer than `TEXT_MOST`."""
    return printable(text[-TEXT_MOST:])[-TEXT_MOST:]


def number(value: float) -> Number:
    """The form of a float in a record."""
    if math.isfinite(value):
        return value if isinstance(value, int) else float(value)
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


def kind_of(record: type[msgspec.Struct]) -> str:
    """The `kind` of a struct's records."""
    return str(record.__struct_config__.tag)


def cell_of(record: Mapping[str, Any]) -> Cell:
    """The cell that a document, or a row of a table, is about."""
    return Cell(**{name: record[name] for name in CELL_FIELDS})


def as_document(record: msgspec.Struct) -> Document:
    """A record as its line has it."""
    document: Document = msgspec.to_builtins(record, enc_hook=_plain)
    if not isinstance(record, CellRecord):
        return document
    cell: Document = document.pop("cell")
    return {"schema": document.pop("schema"), "kind": document.pop("kind"), **cell, **document}


def _plain(value: Any) -> str | int | float:
    """A text or number of a class of its own, such as torch's version, as JSON has it."""
    for plain in (str, int, float):
        if isinstance(value, plain):
            return plain(value)
    raise TypeError(f"expected what JSON has; found {type(value).__name__} {value!r}")


def identity(record: Mapping[str, Any] | msgspec.Struct) -> Identity:
    """The identity of a record, or of its document: a run has one outcome of each, the last that was recorded."""
    document = as_document(record) if isinstance(record, msgspec.Struct) else record
    named = dict.fromkeys(("kind", *CELL_FIELDS), "") | (TIMED if "workload" in document else {})
    return tuple(str(document.get(name, default)) for name, default in named.items())


def latest(numbered: Iterable[tuple[int, Document]]) -> list[tuple[int, Document]]:
    """From records with their line numbers, the last record of each cell or timing, and all others."""
    last: dict[Any, tuple[int, Document]] = {}
    for number, document in numbered:
        last[identity(document) if "problem" in document else number] = number, document
    return list(last.values())


def as_record(document: Document, kind: type[Struct]) -> Struct:
    """The inverse of `as_document`. Raises msgspec.ValidationError, which says what is wrong with it."""
    if issubclass(kind, CellRecord):
        rest = {name: value for name, value in document.items() if name not in CELL_FIELDS}
        document = {**rest, "cell": {name: document[name] for name in CELL_FIELDS if name in document}}
    try:
        record = msgspec.convert(document, kind)
    except UnicodeEncodeError:  # of a word out of a list, or a key; elsewhere a text may hold anything
        raise msgspec.ValidationError("expected whole letters; found half of a surrogate pair") from None
    if not isinstance(record, CellRecord):
        return record
    for name, value in record.cell.as_json().items():
        if len(value) > MOST_WORD or not value.isprintable():
            raise msgspec.ValidationError(f"expected at most {MOST_WORD} printable characters - at `$.{name}`")
    # A reason goes to terminals, and may quote anything.
    return record if record.reason is None else msgspec.structs.replace(record, reason=printable(record.reason))


def verified(record: Record, threads: int | None) -> Record:
    """The record, or `failed` where something else ran than was asked for; None for any number of threads."""
    if record.status != "ok" or record.active is None:
        return record
    reason = unlike(record.cell, record.active, threads)
    return record if reason is None else msgspec.structs.replace(record, status="failed", reason=reason)


def unlike(cell: Cell, active: Active, threads: int | None) -> str | None:
    """The first difference between what ran and what was requested, in words; None where there is none."""
    dtype = base_dtype(cell.dtype)
    if cell.dtype.endswith("as-shipped"):
        dtype = active.dtype  # what comes out of an operation that demotes is what this dtype is there to show
    if cell.dtype == "bfloat16" == active.dtype:
        dtype = "bfloat16"  # sums are kept in float32; what a net returns may be either
    wanted: dict[str, str | int] = {"backend": host_of(cell.backend), "device": cell.device, "dtype": dtype}
    if threads is not None:
        wanted["threads"] = threads
    for name, value in wanted.items():
        if getattr(active, name) != value:
            return f"asked for {name} {value}, but {getattr(active, name)} was active"
    return None


def append_record(path: Path, record: msgspec.Struct) -> None:
    """Add a line and force it to disk, so that a killed run loses nothing that it had finished.

    Raises:
        ValueError: a struct has a NaN or an infinity that is no `Number`.
        OSError: the line cannot be written, on a full disk for one; then no part of it is in the file.
    """
    line = json.dumps(as_document(record), allow_nan=False)
    with naming(path), path.open("ab", buffering=0) as file:
        whole = file.tell()
        left = memoryview(f"{line}\n".encode())
        try:
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except OSError:
            file.truncate(whole)
            raise


def record_lines(path: Path) -> list[str]:
    """The lines of a file of records; of records.jsonl without a last one that a kill cut off.

    Raises:
        BadInput: the file cannot be read, or is not UTF-8.
    """
    if path.name == PACKED:
        return unpack(path)
    whole, _, _ = read_text(path, MOST_RECORD_BYTES).rpartition("\n")
    return whole.split("\n") if whole else []


def read_records(path: Path) -> list[Document]:
    """All records of a file as documents, each with a `kind`.

    Raises:
        BadInput: as `record_lines`; or a line is no record, or its schema is newer than this reader.
    """
    records: list[Document] = []
    for number, line in enumerate(record_lines(path), start=1):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{path}: line {number}: expected JSON; found {error}") from None
        known = isinstance(record, dict) and isinstance(record.get("kind", EQUALITY), str)
        if not known or not isinstance(record.get("schema"), int):
            raise BadInput(f"{path}: line {number}: expected a record with a schema; found {line.strip()[:60]!r}")
        if record["schema"] > SCHEMA:
            raise BadInput(f"{path}: line {number}: expected schema {SCHEMA} or older; found {record['schema']}")
        records.append({"kind": EQUALITY, **record})
    return records


def read_records_of(
    path: Path, *kinds: type[Struct], keep: Callable[[Document], bool] = lambda document: True
) -> list[Struct]:
    """The records of some kinds of a file, of each cell or timing the last, without those that are not to be kept.

    Raises:
        BadInput: as `read_records`; or a record has not the fields of its kind.
    """
    by_name = {kind_of(kind): kind for kind in kinds}
    documents = enumerate(read_records(path), start=1)
    chosen = ((number, each) for number, each in documents if each["kind"] in by_name and keep(each))
    records = []
    for number, document in latest(chosen):
        name = document["kind"]
        try:
            records.append(as_record(document, by_name[name]))
        except msgspec.ValidationError as error:
            raise BadInput(f"{path}: line {number}: expected a record of {name}; found: {error}") from None
    return records
