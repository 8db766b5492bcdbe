"""The records of timing, one line of JSON each; what a run has of them is read by `timing_records`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import get_args

import msgspec

from ..backends import Graphs
from ..reference.adam import Adam
from ..reference.errors import BadInput
from ..workers.records import SCHEMA, CellRecord, Document, Status, as_record, read_records
from .timings import Timing


class TimingRecord(CellRecord, frozen=True, kw_only=True):
    """What became of a timing.

    Attributes:
        workload, stage, batch, last_step, threads, bound, arm, slowed: as `Timing` has them.
        images: that one call goes through; 0 where nothing ran.
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
        adapted: whether the problem leaves the source's own architecture.
        rounds_ns: nanoseconds per call of every round.
        iterations: calls of a round.
        cut_short: whether the rounds took much longer than the first calls foretold.
        cold_cache: whether the session found no compile cache; records from before this was written are all of such.
        graphs: what was compiled, if anything was.
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


class ProfileRecord(TimingRecord, frozen=True, kw_only=True, tag="profile"):
    """A trace of a timing.

    Attributes:
        found: what makes the timing itself unfit for a trace; None elsewhere.
        calls: that were traced.
        files: what the framework left, relative to the folder of the trace.
    """

    found: str | None = None
    calls: int = 0
    files: Sequence[str] = ()


class ProcessRecord(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Something that a session measures beside the timings; each kind is a class of its own.

    Attributes:
        backend, device: of the session.
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
        import_s: seconds until the backend was there.
        compiler_start_s: seconds that a trivial compilation took; None where nothing is compiled.
    """

    versions: dict[str, str]
    import_s: float
    compiler_start_s: float | None = None


class RateRecord(ProcessRecord, frozen=True, kw_only=True, tag="roof"):
    """A rate that a library reached by one route.

    Attributes:
        operation, shape, dtype: as `Roofline` has them.
        library, route: what computed.
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

# What runs of before have measured, and nothing reads any more.
DROPPED = {
    "duel": "paired comparisons",
    "harness": "what the harness adds to a call",
    "peak": "peaks of the processor",
}
EPOCHS, ASYNCHRONOUS = "passes over a data set", "calls that did not wait for the device"


def as_measured(document: Document) -> Measured:
    """A record of timing out of its line. Raises msgspec.ValidationError, which says what is wrong with it."""
    kind = KINDS[document["kind"]]
    return as_record(document, kind) if issubclass(kind, TimingRecord) else msgspec.convert(document, kind)


def dropped(document: Document) -> str | None:
    """What a record of an older run is of, where nothing reads that any more; None for every other record."""
    if document["kind"] in ("throughput", "profile"):
        if document.get("stage") == "epoch":
            return EPOCHS
        return None if document.get("awaited", True) else ASYNCHRONOUS
    return DROPPED.get(document["kind"])


def timing_records(path: Path) -> list[Measured]:
    """The records of timing among those of a run, save dropped ones; none where there is no file yet.

    Raises:
        BadInput: as `read_records`; or a record has not the fields of its kind.
    """
    records: list[Measured] = []
    for number, document in enumerate(_documents(path), start=1):
        if document["kind"] in KINDS and dropped(document) is None:
            try:
                records.append(as_measured(document))
            except msgspec.ValidationError as error:
                kind = document["kind"]
                raise BadInput(f"{path}: line {number}: expected a record of {kind}; found: {error}") from None
    return records


def left_out(path: Path) -> str:
    """One line: how many records of a run are dropped, and what they are of; empty where none is."""
    counts = Counter(what for document in _documents(path) if (what := dropped(document)))
    said = ", ".join(f"{count} of {what}" for what, count in counts.items())
    return f"{path}: records of what is no longer measured are left out: {said}" if said else ""


def _documents(path: Path) -> Iterator[Document]:
    return iter(read_records(path) if path.exists() else [])


def unmeasured(timing: Timing, status: Status, reason: str, *, number: int | None = None) -> ThroughputRecord:
    """The record of a timing without a figure; its pass is None where no process was started for it."""
    return ThroughputRecord(cell=timing.cell, status=status, reason=reason, **timing.about(), number=number)
