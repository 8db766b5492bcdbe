"""The records of timing, one line of JSON each; what a run has of them is read by `timing_records`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec

from ..backends import Graphs
from ..reference.adam import Adam
from ..reference.errors import BadInput
from ..workers.records import SCHEMA, Active, Cell, CellRecord, Document, Status, as_record, cell_of, read_records
from .timings import Timing


class TimingRecord(CellRecord, frozen=True, kw_only=True):
    """What became of a timing.

    Attributes:
        workload, stage, batch, last_step, threads, bound: as `Timing` has them.
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
    images: int = 0
    adam: Adam | None = None
    first_call_s: float | None = None

    @property
    def timing(self) -> Timing:
        """The timing without its files."""
        return _timing(self.cell, self)


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
    """Something that is measured beside the timings; each kind is a class of its own.

    Attributes:
        backend, device: of the process; a peak of the processor is of no backend.
        number: the pass of a session; None elsewhere.
        status, reason: how it ended, and why there is no figure.
    """

    backend: str | None = None
    device: str
    number: int | None = msgspec.field(name="pass", default=None)
    status: Status = "ok"
    reason: str | None = None
    schema: int = SCHEMA


class SessionRecord(ProcessRecord, frozen=True, kw_only=True, tag="session"):
    """The start of a process that measures.

    Attributes:
        versions: package → version.
        import_s: seconds until the backend was there.
        compiler_start_s: seconds that a trivial compilation took; None where nothing is compiled.
        path: `measure.harness.PAIRED` of a process of paired comparisons.
    """

    versions: dict[str, str]
    import_s: float
    compiler_start_s: float | None = None
    path: str | None = None


class HarnessRecord(ProcessRecord, frozen=True, kw_only=True, tag="harness"):
    """What the harness itself adds to a call.

    Attributes:
        path: `measure.harness.BENCHMARK`; records of before have `PAIRED` ones as well.
        ns: nanoseconds per call, the median of `rounds_ns`.
    """

    path: str
    ns: float
    rounds_ns: Sequence[int | float] = ()


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


class PeakRecord(ProcessRecord, frozen=True, kw_only=True, tag="peak"):
    """A limit of the processor or of a GPU; all but `when` is None where there is no figure.

    Attributes:
        when: `before` or `after` what is timed.
        quantity: `fma`, `triad` or `read`; `copy` in records of before.
        dtype: of the products; empty for memory.
        bytes: of all arrays; 0 for products.
        threads: of the processor.
        value, unit: the figure.
        gpus: the cards and their state after it.
    """

    when: str
    quantity: str | None = None
    dtype: str | None = None
    bytes: int | None = None
    threads: int | None = None
    value: float | None = None
    unit: str | None = None
    gpus: list[dict[str, Any]] | None = None


class ArmRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One arm of a paired comparison: the fields of its cell and of its timing, and the share by which it is slowed."""

    problem: str
    notation: str
    framework: str
    backend: str
    device: str
    dtype: str
    mode: str
    workload: str
    stage: str
    batch: int
    package: str = ""
    last_step: str = msgspec.field(name="rung", default="")
    threads: str = "pinned"
    bound: str = "elbo"
    slowed: float = 0.0

    @property
    def timing(self) -> Timing:
        """The timing without its files."""
        return _timing(cell_of(msgspec.structs.asdict(self)), self)


def _timing(cell: Cell, record: TimingRecord | ArmRecord) -> Timing:
    how = record.last_step, record.threads, record.bound
    return Timing(cell, record.workload, record.stage, record.batch, "", "", "", *how)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one arm.

    Attributes:
        status, reason, traceback, active, before, after: as records of cells have them.
        images, adam, first_call_s: as `TimingRecord` has them.
        calls: in a row, in each block.
        slowed_by: the share by which its calls were really slowed.
    """

    status: Status = "ok"
    reason: str | None = None
    traceback: str | None = None
    images: int = 0
    adam: Adam | None = None
    first_call_s: float | None = None
    active: Active | None = None
    calls: int | None = None
    slowed_by: float | None = None
    before: str | None = None
    after: str | None = None


class ComparisonRecord(ProcessRecord, frozen=True, kw_only=True, tag="duel"):
    """One build of a paired comparison.

    Attributes:
        name, question, labels, tries, block_s: as `PairedComparison` has them.
        build: from 1.
        entries: the arms.
        cold_cache: whether the process found no compile cache.
        outcomes: of each arm; none where the process died before it had built all.
        blocks_ns: nanoseconds per call, [try][block][arm]; None for an arm that was lost.
        traceback: what the process printed last, where it died.
    """

    name: str = msgspec.field(name="duel")
    question: str
    build: int
    labels: Sequence[str] = ()
    tries: int
    block_s: float
    entries: list[ArmRecord]
    cold_cache: bool | None = None
    outcomes: list[Outcome]
    blocks_ns: list[list[list[float | None]]]
    traceback: str | None = None

    def of_arm(self, index: int) -> ThroughputRecord:
        """What became of one arm, as the record of its timing; the build stands for the pass."""
        timing, outcome = self.entries[index].timing, self.outcomes[index]
        return ThroughputRecord(
            cell=timing.cell,
            **timing.about(),
            number=self.build,
            status=outcome.status,
            reason=outcome.reason,
            adam=outcome.adam,
            before=outcome.before,
            after=outcome.after,
        )


Measured = ThroughputRecord | ProfileRecord | SessionRecord | HarnessRecord | RateRecord | PeakRecord | ComparisonRecord
KINDS: Mapping[str, type[Measured]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Measured)}


def as_measured(document: Document) -> Measured:
    """A record of timing out of its line. Raises msgspec.ValidationError, which says what is wrong with it."""
    kind = KINDS[document["kind"]]
    return as_record(document, kind) if issubclass(kind, TimingRecord) else msgspec.convert(document, kind)


def timing_records(path: Path) -> list[Measured]:
    """The records of timing among those of a run; none where there is no file yet.

    Raises:
        BadInput: as `read_records`; or a record has not the fields of its kind.
    """
    records: list[Measured] = []
    for number, document in enumerate(read_records(path) if path.exists() else [], start=1):
        if document["kind"] in KINDS:
            try:
                records.append(as_measured(document))
            except msgspec.ValidationError as error:
                kind = document["kind"]
                raise BadInput(f"{path}: line {number}: expected a record of {kind}; found: {error}") from None
    return records


def unmeasured(timing: Timing, status: Status, reason: str, *, number: int | None = None) -> ThroughputRecord:
    """The record of a timing without a figure; its pass is None where no process was started for it."""
    return ThroughputRecord(cell=timing.cell, status=status, reason=reason, **timing.about(), number=number)
