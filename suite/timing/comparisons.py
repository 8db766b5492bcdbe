"""Paired comparisons: timings of one backend are measured against each other, in alternating blocks of one process."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from ..workers.jobs import Job
from ..workers.records import append_record, unlike
from ..workers.supervisor import Child, Lost
from .asked import ComparisonsAsked, PairedComparison, Repetition
from .caches import open_cache
from .records import ComparisonRecord, Measured, as_measured, timing_records
from .timings import thread_limit


class Progress(msgspec.Struct, frozen=True, tag_field="kind", tag="progress"):
    """What a child says while it builds: the index of the arm, or None for all; it is not kept."""

    entry: int | None


def run_comparisons(
    comparisons: Iterable[PairedComparison],
    folder: Path,
    *,
    threads: int,
    timeout_s: float = 120,
    on_record: Callable[[Measured], None] = lambda record: None,
) -> None:
    """Measure paired comparisons; every build of each ends in exactly one record in `folder`/records.jsonl.

    Those that have a record already are left out, so that a killed run goes on. Processes run one after the other, one
    per backend; each starts from an empty compile cache.

    Args:
        comparisons: the outputs of their arms, from before and after, are kept in `folder`/tensors and are to be held
            against the reference before a figure is printed.
        folder: the run.
        threads: of one operation.
        timeout_s: how long one arm may take to be built and called, or all to be measured.
        on_record: called with each record as it is written.
    """
    (folder / "tensors").mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="elbostone-caches-") as caches:
        runner = _Runner(folder, threads, timeout_s, on_record, Path(caches))
        records = timing_records(runner.records)
        finished = {(record.name, record.build) for record in records if isinstance(record, ComparisonRecord)}
        groups: dict[tuple[str, str, bool, str], list[Repetition]] = {}
        for comparison in comparisons:
            builds = range(1, comparison.builds + 1)
            left = [Repetition(comparison, build) for build in builds if (comparison.name, build) not in finished]
            groups.setdefault(comparison.group, []).extend(left)
        for repetitions in groups.values():
            # Build after build, not comparison after comparison: what the machine does for a while then meets them all.
            waiting = sorted(repetitions, key=lambda repetition: repetition.build)
            while waiting:
                waiting = runner.run(waiting)


@dataclass
class _Runner:
    folder: Path
    threads: int
    timeout_s: float
    on_record: Callable[[Measured], None]
    caches: Path

    @property
    def records(self) -> Path:
        return self.folder / "records.jsonl"

    def run(self, repetitions: list[Repetition]) -> list[Repetition]:
        """One process. Returns what it did not come to, and first what is to be tried again without an arm."""
        first = repetitions[0]
        backend, device, x64, _ = first.comparison.group
        threads = thread_limit(first.comparison.entries[0], self.threads)
        again: list[Repetition] = []
        entry: int | None = None

        def take(line: bytes) -> bool:
            nonlocal entry
            document = json.loads(line)
            if document["kind"] == Progress.__struct_config__.tag:
                entry = document["entry"]
                return False
            record = as_measured(document)
            is_outcome = isinstance(record, ComparisonRecord)
            self._write(_verified(record, threads) if isinstance(record, ComparisonRecord) else record)
            return is_outcome

        def settle(repetition: Repetition, status: Lost, reason: str, tail: str) -> None:
            if entry is None:
                self._write(repetition.record(status, reason, traceback=tail))
            else:  # only this arm is lost
                lost = {**repetition.lost, entry: (status, reason)}
                again.append(Repetition(repetition.comparison, repetition.build, lost))

        caches, cold = open_cache(self.caches / f"{backend}-{device}", first=not first.lost)
        asked = ComparisonsAsked(
            backend=backend,
            device=device,
            cold_cache=cold,
            started=time.time(),
            tensors=str(self.folder.resolve() / "tensors"),
            repetitions=repetitions,
        )
        job = Job(backend, device, (("timing.measure.comparison", asked),), threads, x64=x64, caches=str(caches))
        child = Child(
            job, repetitions, take=take, settle=settle, timeout_s=self.timeout_s, name="session", lingers=True
        )
        left = child.follow()
        return [*again, *left]

    def _write(self, record: Measured) -> None:
        append_record(self.records, record)
        self.on_record(record)


def _verified(record: ComparisonRecord, threads: int | None) -> ComparisonRecord:
    """The record, with `failed` for each arm that ran as something else than was asked for."""
    outcomes = list(record.outcomes)
    for index, (arm, outcome) in enumerate(zip(record.entries, outcomes, strict=False)):
        if outcome.status != "ok" or outcome.active is None:
            continue
        reason = unlike(arm.timing.cell, outcome.active, threads)
        if reason is not None:
            outcomes[index] = msgspec.structs.replace(outcome, status="failed", reason=reason)
    return msgspec.structs.replace(record, outcomes=outcomes)
