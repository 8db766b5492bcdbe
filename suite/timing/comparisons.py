"""Duels: timings of one backend that are measured against each other, in alternating blocks of one process."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..backends.table import base_dtype
from ..workers.activity import verified_document
from ..workers.jobs import part_for
from ..workers.records import SCHEMA, append_record, read_records
from ..workers.supervisor import Child, Lost, Start
from .asked import ComparisonsAsked, RepetitionAsked
from .caches import Caches, caches_of_a_run
from .timings import COMPARISON, OnRecord, Timing, thread_limit

PROGRESS = "progress"
"""The kind of what a child says while it builds; it is not kept."""

# Why these: tests/unit/test_duels.py has them against the noise that is seen on shared cores.
BLOCKS = 100
BLOCK_S = 4e-3


@dataclass(frozen=True)
class PairedComparison:
    """Timings that are measured against each other: two of them, or all rungs of a ladder.

    Attributes:
        name: what is asked, e.g. `ladder-training_step-784-400-20-128-torch`; unique in a run.
        question: what kind of question that is: `mode`, `ladder`, `aa`, ...
        entries: of one backend, device, number of threads and dtype that holds tensors. Each gets a model of its own,
            so that the same timing may be there twice.
        labels: what each entry is, or adds to the one before it, in words for readers; empty for none.
        slowed: by which share of its own time each entry's calls are made slower; empty for none.
        builds: how often the models are built anew: where their arrays lie in memory is then another.
        tries: how often what was built is measured, each time in so many blocks.
        blocks: of a try; in each of them every entry has its turn twice.
        block_s: seconds that an entry takes of a block, in as many calls as that needs, at least two.
        limit_s: seconds after which a try begins no other block, once it has as many as an interval needs.
    """

    name: str
    question: str
    entries: tuple[Timing, ...]
    labels: tuple[str, ...] = ()
    slowed: tuple[float, ...] = ()
    builds: int = 1
    tries: int = 1
    blocks: int = BLOCKS
    block_s: float = BLOCK_S
    limit_s: float | None = None

    def __post_init__(self) -> None:
        kinds = {(*_group(timing), base_dtype(timing.cell.dtype)) for timing in self.entries}
        if len(kinds) != 1:
            found = ", ".join(timing.key for timing in self.entries)
            raise ValueError(f"duel {self.name}: expected one backend, device, dtype and number of threads; {found}")
        if self.slowed and len(self.slowed) != len(self.entries):
            raise ValueError(f"duel {self.name}: {len(self.slowed)} shares for {len(self.entries)} entries")

    @property
    def group(self) -> tuple[str, str, bool, str]:
        """Duels of one group share a process."""
        return _group(self.entries[0])


def _group(timing: Timing) -> tuple[str, str, bool, str]:
    cell = timing.cell
    return cell.backend, cell.device, cell.dtype.startswith("float64"), timing.threads


@dataclass(frozen=True)
class Repetition:
    """One build of a duel; `lost` has the entries that the process died or hung in, and how."""

    comparison: PairedComparison
    build: int
    lost: Mapping[int, tuple[str, str]] = field(default_factory=dict)

    def asked(self) -> RepetitionAsked:
        """What the child gets, and what names the record."""
        comparison = self.comparison
        return RepetitionAsked(
            comparison=comparison.name,
            question=comparison.question,
            build=self.build,
            labels=comparison.labels,
            entries=comparison.entries,
            slowed=comparison.slowed or (0.0,) * len(comparison.entries),
            tries=comparison.tries,
            blocks=comparison.blocks,
            block_s=comparison.block_s,
            limit_s=comparison.limit_s,
            lost=self.lost,
        )


def run_comparisons(
    comparisons: Iterable[PairedComparison],
    folder: Path,
    *,
    threads: int,
    timeout_s: float = 120,
    on_record: OnRecord = lambda record: None,
) -> None:
    """Measure duels; every build of each ends in exactly one record in `folder`/records.jsonl.

    Those that have a record already are left out, so that a killed run goes on. Processes run one after the other, one
    per backend; each starts from an empty compile cache, and each leaves a record of what the harness adds to a call.

    Args:
        duels: their entries' outputs, from before and after, are kept in `folder`/tensors and are to be held against
            the truth before a figure is printed.
        folder: the run.
        threads: of one operation.
        timeout_s: how long one entry may take to be built and called, or all to be measured.
        on_record: called with each record as it is written.
    """
    with caches_of_a_run() as caches:
        runner = _Runner(folder, threads, timeout_s, on_record, caches)
        finished = runner.finished()
        groups: dict[tuple[str, str, bool, str], list[Repetition]] = {}
        for comparison in comparisons:
            repetitions = [Repetition(comparison, build) for build in range(1, comparison.builds + 1)]
            groups.setdefault(comparison.group, []).extend(
                b for b in repetitions if (comparison.name, b.build) not in finished
            )
        for repetitions in groups.values():
            # Build after build, not duel after duel: what the machine does for a while then meets all of them.
            waiting = sorted(repetitions, key=lambda repetition: repetition.build)
            while waiting:
                waiting = runner.run(waiting)


@dataclass
class _Runner:
    folder: Path
    threads: int
    timeout_s: float
    on_record: OnRecord
    caches: Caches
    records: Path = field(init=False)

    def __post_init__(self) -> None:
        self.records = self.folder / "records.jsonl"
        (self.folder / "tensors").mkdir(parents=True, exist_ok=True)

    def finished(self) -> set[tuple[str, int]]:
        """The duels and builds that have a record."""
        if not self.records.exists():
            return set()
        found = (record for record in read_records(self.records) if record.get("kind") == COMPARISON)
        return {(record["duel"], record["build"]) for record in found}

    def run(self, repetitions: list[Repetition]) -> list[Repetition]:
        """One process. Returns what it did not come to, and first what is to be tried again without an entry."""
        backend, device, x64, _ = repetitions[0].comparison.group
        threads = thread_limit(repetitions[0].comparison.entries[0], self.threads)
        again: list[Repetition] = []
        entry: int | None = None

        def take(line: bytes) -> bool:
            nonlocal entry
            record = json.loads(line)
            if record["kind"] == PROGRESS:
                entry = record["entry"]
            else:
                self._write(_verified(record, threads) if record["kind"] == COMPARISON else record)
            return bool(record["kind"] == COMPARISON)

        def settle(repetition: Repetition, status: Lost, reason: str, tail: str) -> None:
            if entry is None:
                self._settle(repetition, status, reason, tail)
            else:  # only this entry is lost
                again.append(replace(repetition, lost={**repetition.lost, entry: (status, reason)}))

        caches, cold = self.caches.open(f"{backend}-{device}", first=not repetitions[0].lost)
        asked = ComparisonsAsked(
            backend=backend,
            device=device,
            cold_cache=cold,
            started=time.time(),
            tensors=str(self.folder.resolve() / "tensors"),
            repetitions=[repetition.asked() for repetition in repetitions],
        )
        start = Start(backend, device, (part_for("comparisons", asked),), threads, x64=x64, caches=caches)
        child = Child(
            start, repetitions, take=take, settle=settle, timeout_s=self.timeout_s, name="session", lingers=True
        )
        left = child.follow()
        return [*again, *left]

    def _settle(self, repetition: Repetition, status: Lost, reason: str, tail: str) -> None:
        backend, device, _, _ = repetition.comparison.group
        about = {"schema": SCHEMA, "kind": COMPARISON, "backend": backend, "device": device, "status": status}
        nothing: dict[str, Any] = {"outcomes": [], "blocks_ns": [], "traceback": tail}
        self._write({**about, "reason": reason, **repetition.asked().described(), **nothing})

    def _write(self, record: dict[str, Any]) -> None:
        append_record(self.records, record)
        self.on_record(record)


def _verified(record: dict[str, Any], threads: int | None) -> dict[str, Any]:
    """The record, with `failed` for each entry that ran as something else than was asked for."""
    pairs = zip(record["entries"], record["outcomes"], strict=False)
    checked = [verified_document({**entry, **outcome}, threads) for entry, outcome in pairs]
    outcomes = [
        {**outcome, "status": found["status"], "reason": found["reason"]}
        for outcome, found in zip(record["outcomes"], checked, strict=True)
    ]
    return {**record, "outcomes": outcomes}
