"""The records of timing, one line of JSON each; `timing_records` reads them from a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

import msgspec

from ..backends import Graphs
from ..reference.adam import Adam
from ..workers.records import SCHEMA, CellRecord, Document, Status, as_record, read_records, read_records_of
from .timings import Timing


class TimingRecord(CellRecord, frozen=True, kw_only=True):
    """The outcome of a timing.

    Attributes:
        workload, stage, batch, last_step, threads, bound, arm, slowed: see `Timing`.
        images: the images of one call; 0 where nothing ran.
        adam: the rule of a stage that trains.
        first_call_s: seconds of the first call, compiling included.
    """

    workload: str
    stage: str
    batch: int
    last_step: str = msgspec.field(name="rung", default="")
    threads: str = "pinned"
    bound: str = "elbo"
    arm: str = ""
    slowed: float = 0.0
    images: int = 0
    adam: Adam | None = None
    first_call_s: float | None = None

    @property
    def timing(self) -> Timing:
        """The timing without its files."""
        how = self.last_step, self.threads, self.bound, self.arm, self.slowed
        return Timing(self.cell, self.workload, self.stage, self.batch, "", "", "", *how)


class ThroughputRecord(TimingRecord, frozen=True, kw_only=True, tag="throughput"):
    """A timing in one session.

    Attributes:
        number: the pass, from 1; None where no process was started.
        adapted: whether the problem leaves the source's architecture.
        rounds_ns: nanoseconds per call of every round.
        iterations: calls of a round.
        cut_short: whether the rounds took much longer than the first calls predicted.
        cold_cache: whether the session started with an empty compile cache; true in older records, without the field.
        graphs: the compiled graphs; None where nothing was compiled.
        peak_memory_mb, resident_before_mb, peak_memory_reset: see `measure.session`.
        before, after: the files of the outputs from before and after timing.
    """

    number: int | None = msgspec.field(name="pass")
    adapted: bool | None = None
    rounds_ns: Sequence[int] = ()
    iterations: int = 0
    cut_short: bool = False
    cold_cache: bool = True
    graphs: Graphs | None = None
    peak_memory_mb: float | None = None
    resident_before_mb: float | None = None
    peak_memory_reset: bool | None = None
    before: str | None = None
    after: str | None = None

    def __post_init__(self) -> None:
        if self.status == "ok" and (self.before is None or self.after is None):
            raise ValueError("expected the files `before` and `after` in a record that is ok; found at most one")


class ProfileRecord(TimingRecord, frozen=True, kw_only=True, tag="profile"):
    """A trace of a timing.

    Attributes:
        found: `differs` where the timing's outputs differ from the reference, and are not traced; None elsewhere.
        calls: the number of traced calls.
        files: the framework's files, relative to the folder of the trace.
    """

    found: str | None = None
    calls: int = 0
    files: Sequence[str] = ()


class ProcessRecord(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """A measurement of a session beside its timings; each kind has its class.

    Attributes:
        backend, device: the session's.
        number: the pass.
        status, reason: how it ended, and why there is no figure.
    """

    backend: str | None = None
    device: str
    number: int | None = msgspec.field(name="pass", default=None)
    status: Status = "ok"
    reason: str | None = None
    schema: int = SCHEMA


class SessionRecord(ProcessRecord, frozen=True, kw_only=True, tag="session"):
    """The start of a session.

    Attributes:
        versions: package → version.
        import_s: seconds until the backend was imported.
        compiler_start_s: seconds of a trivial compilation; None where nothing is compiled.
        session: the session's name without its pass; a session has one such record, however often it is restarted.
    """

    versions: dict[str, str]
    import_s: float
    compiler_start_s: float | None = None
    session: str = ""


class RateRecord(ProcessRecord, frozen=True, kw_only=True, tag="roof"):
    """A rate that a library reached by one route.

    Attributes:
        operation, shape, dtype: see `Roofline`.
        library, route: the library that computed, and the name of its function.
        seconds: per call, the median of `rounds_ns`; None where the route failed.
    """

    operation: str
    shape: tuple[int, ...]
    dtype: str
    library: str
    route: str
    seconds: float | None
    rounds_ns: Sequence[int] = ()


Measured = ThroughputRecord | ProfileRecord | SessionRecord | RateRecord
KINDS: Mapping[str, type[Measured]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Measured)}

# Kinds of records in older runs that nothing reads.
DROPPED = {
    "duel": "paired comparisons",
    "harness": "what the harness adds to a call",
    "peak": "peaks of the processor",
}
EPOCHS, ASYNCHRONOUS = "passes over a data set", "calls that did not wait for the device"


def as_measured(document: Document) -> Measured:
    """A record of timing from its line. Raises msgspec.ValidationError: a field is missing or has a wrong value."""
    return as_record(document, KINDS[document["kind"]])


def dropped(document: Document) -> str | None:
    """The kind of an older run's record that nothing reads; None for every other record."""
    if document["kind"] in ("throughput", "profile"):
        if document.get("stage") == "epoch":
            return EPOCHS
        return None if document.get("awaited", True) else ASYNCHRONOUS
    return DROPPED.get(document["kind"])


def timing_records(path: Path) -> list[Measured]:
    """A run's records of timing, the last of each timing and pass, without the dropped kinds.

    The list is empty where there is no file yet.

    Raises:
        BadInput: as `read_records`; or a record lacks a field of its kind.
    """
    if not path.exists():
        return []
    return read_records_of(path, *KINDS.values(), keep=lambda document: dropped(document) is None)


def left_out(path: Path) -> str:
    """One line: the number of a run's dropped records by kind; empty where none is dropped."""
    documents = read_records(path) if path.exists() else []
    counts = Counter(what for document in documents if (what := dropped(document)))
    said = ", ".join(f"{count} of {what}" for what, count in counts.items())
    return f"{path}: records of what is no longer measured are left out: {said}" if said else ""


def unmeasured(timing: Timing, status: Status, reason: str, *, number: int | None = None) -> ThroughputRecord:
    """The record of a timing without a figure; its pass is None where no process was started for it."""
    return ThroughputRecord(cell=timing.cell, status=status, reason=reason, **timing.about(), number=number)
