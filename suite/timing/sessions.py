"""The parent side: one pytest session per backend × device × pass, each in a separate process and folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from ..backends.table import BACKENDS, host_of, precision
from ..workers.jobs import Job
from ..workers.records import Identity, append_record, identity, verified
from ..workers.run_folder import RunFolder
from ..workers.scratch import own_folder
from ..workers.supervisor import Child, Lost
from .asked import SessionAsked
from .caches import open_cache
from .records import (
    Measured,
    RateRecord,
    SessionRecord,
    ThroughputRecord,
    as_measured,
    timing_records,
    unmeasured,
)
from .timings import Roofline, Timing, thread_limit

ROOFLINE_PASSES = 2
"""The passes in which rooflines are measured: in a pass they take a third as long as all timings."""
MIN_ROUNDS = 3
"""The fewest rounds of a timing in a process, however long a call takes: figures are medians over processes."""


@dataclass
class Session:
    """The timings of one process.

    Attributes:
        number: the pass, from 1.
        timings: in the order in which they run.
        restarts: the number of earlier processes of this session, which died or hung.
        with_numpy: whether it measures NumPy's rates: the first session of a pass does.
    """

    number: int
    timings: list[Timing]
    restarts: int = 0
    with_numpy: bool = True

    @property
    def backend(self) -> str:
        return host_of(self.timings[0].cell.backend)

    @property
    def device(self) -> str:
        return self.timings[0].cell.device

    @property
    def x64(self) -> bool:
        return any(timing.cell.dtype.startswith("float64") for timing in self.timings)

    @property
    def tf32(self) -> bool:
        return any(timing.cell.dtype == "tf32" for timing in self.timings)

    @property
    def group(self) -> str:
        """The common name of sessions that differ in their pass alone."""
        bits = "-x64" if self.x64 else "-tf32" if self.tf32 else ""
        threads = "" if self.timings[0].threads == "pinned" else f"-{self.timings[0].threads}-threads"
        tries = "-aa" if self.timings[0].arm else ""
        return f"{self.backend}-{self.device}{bits}{threads}{tries}"

    @property
    def name(self) -> str:
        restart = f"-restart-{self.restarts}" if self.restarts else ""
        return f"{self.group}-pass-{self.number}{restart}"


def rooflines_of(session: Session, rooflines: Iterable[Roofline]) -> list[Roofline]:
    """The rooflines that a session measures: of its dtypes, in the first passes, with pinned threads."""
    if session.number > ROOFLINE_PASSES or session.timings[0].threads != "pinned":
        return []
    dtypes = {precision(timing.cell.dtype) for timing in session.timings}
    return [roofline for roofline in rooflines if roofline.dtype in dtypes]


def plan_sessions(timings: Iterable[Timing], passes: int, *, first: int = 1) -> list[Session]:
    """All sessions in the order in which they run: the backends interleaved, pass by pass.

    float64, TF32 and default threads have separate sessions: JAX' 64-bit mode, the ban on TF32 in products of float32,
    and the number of threads hold for a whole process. Every second pass runs backwards, so that no cell is always the
    first or always follows the same cell.
    """
    groups: dict[tuple[str, str, bool, bool, bool], list[Timing]] = {}
    for timing in timings:
        cell, dtype = timing.cell, timing.cell.dtype
        bits = dtype.startswith("float64"), dtype == "tf32"
        group = host_of(cell.backend), cell.device, *bits, timing.threads != "pinned"
        groups.setdefault(group, []).append(timing)
    order = sorted(groups, key=lambda group: (list(BACKENDS).index(group[0]), *group[1:]))
    return [
        Session(number, groups[group][:: 1 if number % 2 else -1], with_numpy=group[0] == order[0][0])
        for number in range(first, first + passes)
        for group in order
    ]


def run_sessions(
    timings: Iterable[Timing],
    folder: Path,
    *,
    passes: int,
    max_time_s: float,
    threads: int,
    rooflines: Sequence[Roofline] = (),
    timeout_s: float = 120,
    on_record: Callable[[Measured], None] = lambda record: None,
    planned: Callable[[list[Identity]], None] = lambda records: None,
    again: Callable[[], Collection[str]] = tuple,
    repeats: int = 0,
) -> None:
    """Time proven cells; every timing and pass ends in exactly one record in `folder`/records.jsonl.

    Timings that have a record are left out, so that a killed run can go on. Sessions run one after the other: nothing
    else should use the machine. The first pass starts with an empty compile cache, later passes with its files; a
    record's `cold_cache` says whether the cache was empty.

    Args:
        timings: timings of cells whose equality was proven.
        folder: the run; gets records.jsonl, tensors/ (outputs before and after timing) and benchmark/ (JSON of
            pytest-benchmark, one per session).
        passes: processes per backend.
        max_time_s: the longest time of one timing, in seconds.
        threads: threads of one operation.
        rooflines: rates to measure in every session of their dtype.
        timeout_s: the longest time until a timing's record, the start of its process included, in seconds.
        on_record: called with each record as it is written.
        planned: called with the identities of all planned records, before the first pass and before additional ones.
        again: called after the last pass; returns the keys of the timings that have additional passes.
        repeats: the number of additional passes.
    """
    timings = list(timings)
    with TemporaryDirectory(dir=own_folder(), prefix="caches-") as caches:
        runner = Runner(folder, max_time_s, threads, tuple(rooflines), timeout_s, on_record, Path(caches))
        sessions = plan_sessions(timings, passes)
        planned(records_of(sessions))
        runner.run_all(runner.unfinished(sessions))
        keys = set(again())
        more = plan_sessions((timing for timing in timings if timing.key in keys), repeats, first=passes + 1)
        planned(records_of([*sessions, *more]))
        runner.run_all(runner.unfinished(more))


def records_of(sessions: Iterable[Session]) -> list[Identity]:
    """The identities of the records that sessions must write."""
    return [record_of(timing, session.number) for session in sessions for timing in session.timings]


def record_of(timing: Timing, number: int) -> Identity:
    """The identity of a timing's record in a pass."""
    return identity(unmeasured(timing, "failed", "", number=number))


Once = SessionRecord | RateRecord


def _once(record: Once) -> bytes:
    """The identity of a record, whatever its figures and its outcome."""
    nothing: dict[str, Any] = {"status": "ok", "reason": None}
    if isinstance(record, RateRecord):
        nothing |= {"seconds": None, "rounds_ns": ()}
    else:
        nothing |= {"versions": {}, "import_s": 0.0, "compiler_start_s": None}
    return msgspec.json.encode(msgspec.structs.replace(record, **nothing))


@dataclass
class Runner:
    """Starts one session at a time, watches it, and records its lost timings."""

    folder: Path
    max_time_s: float
    threads: int
    rooflines: tuple[Roofline, ...]
    timeout_s: float
    on_record: Callable[[Measured], None]
    caches: Path
    records: Path = field(init=False)
    known: set[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.records = self.folder / "records.jsonl"
        for name in ("tensors", "benchmark"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.known = {_once(record) for record in timing_records(self.records) if isinstance(record, Once)}

    def unfinished(self, sessions: Iterable[Session]) -> list[Session]:
        """The sessions with timings that have no record, without their other timings."""
        done = RunFolder(self.folder).finished()
        left = []
        for session in sessions:
            timings = [timing for timing in session.timings if record_of(timing, session.number) not in done]
            if timings:
                left.append(replace(session, timings=timings))
        return left

    def run_all(self, sessions: Iterable[Session]) -> None:
        """Run the sessions one after the other; restart a session that died, for the timings that it did not reach."""
        waiting = list(sessions)
        while waiting:
            session = waiting.pop(0)
            if rest := self.run(session):
                waiting.insert(0, replace(session, timings=rest, restarts=session.restarts + 1))

    def run(self, session: Session) -> list[Timing]:
        """Run one process. Returns the timings that it did not reach because it died or hung in an earlier one."""
        threads = thread_limit(session.timings[0], self.threads)

        def settle(timing: Timing, status: Lost, reason: str, tail: str) -> None:
            record = unmeasured(timing, status, reason, number=session.number)
            self._write(msgspec.structs.replace(record, traceback=tail))

        def take(line: bytes) -> bool:
            record = as_measured(json.loads(line))
            if isinstance(record, ThroughputRecord):
                self._write(verified(record, threads))
                return True
            if isinstance(record, SessionRecord):
                record = msgspec.structs.replace(record, session=session.group)
            self._write_once(record)
            return False

        caches, cold = open_cache(self.caches / session.group, first=session.number == 1)
        job = Job(
            session.backend,
            session.device,
            (("timing.measure.plugin", self._asked(session, cold)),),
            threads,
            x64=session.x64,
            tf32=session.tf32,
            caches=str(caches),
        )
        child = Child(
            job, session.timings, take=take, settle=settle, timeout_s=self.timeout_s, name="session", lingers=True
        )
        return child.follow()

    def _asked(self, session: Session, cold: bool) -> SessionAsked:
        return SessionAsked(
            backend=session.backend,
            device=session.device,
            number=session.number,
            cold_cache=cold,
            max_time_s=self.max_time_s,
            started=time.time(),
            tensors=str(self.folder.resolve() / "tensors"),
            rooflines=rooflines_of(session, self.rooflines),
            with_numpy=session.with_numpy,
            timings=session.timings,
            options=self._options(session),
        )

    def _options(self, session: Session) -> list[str]:
        json_file = self.folder.resolve() / "benchmark" / f"{session.name}.json"
        return [
            *("-c", "pytest.ini", "--rootdir=.", "--confcutdir=."),
            *("-p", "no:cacheprovider", "-p", "pytest_benchmark.plugin", "-q", "-s", "--assert=plain"),
            *(f"--benchmark-max-time={self.max_time_s}", "--benchmark-disable-gc", "--benchmark-quiet"),
            # The number of rounds follows from the quickest of three calls, not from a slow first one.
            *("--benchmark-warmup=on", "--benchmark-warmup-iterations=3"),
            *(f"--benchmark-min-rounds={MIN_ROUNDS}", f"--benchmark-json={json_file}"),
        ]

    def _write_once(self, record: Measured) -> None:
        """Write a record that is no timing, unless another process of the session has written it."""
        if isinstance(record, Once) and (key := _once(record)) not in self.known:
            self.known.add(key)
            self._write(record)

    def _write(self, record: Measured) -> None:
        append_record(self.records, record)
        self.on_record(record)
