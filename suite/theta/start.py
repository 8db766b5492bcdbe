"""Start a worker per backend, a few at a time, and collect their results."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from ..backends.table import BACKENDS
from ..workers.jobs import Job
from ..workers.supervisor import Child, Lost, cpu_threads, side_by_side
from .records import Asked, ThetaRecord


class Outcome(msgspec.Struct, frozen=True):
    """The outcome of one backend.

    Attributes:
        status: how it ended.
        reason: why there is nothing, in one line; empty where there is something.
        folder: where the worker left its tensors.
        record: what it did; None where there is nothing.
    """

    backend: str
    status: Literal["ok", "missing", "failed", "timeout"]
    reason: str
    folder: Path
    record: ThetaRecord | None = None


def missing(backend: str, folder: Path) -> Outcome:
    """The outcome of a backend that is not installed."""
    return Outcome(backend, "missing", BACKENDS[backend].remedy(), folder)


OnOutcome = Callable[[Outcome], None]


def run_jobs(
    jobs: Mapping[str, Asked],
    *,
    timeout_s: float,
    on_outcome: OnOutcome,
) -> dict[str, Outcome]:
    """A job in every backend, each in a process of its own on one CPU, as many at a time as there are CPUs.

    Args:
        jobs: by backend; their folders are made.
        timeout_s: how long one worker may take.
        on_outcome: called with each outcome as it comes.
    """
    outcomes: dict[str, Outcome] = {}

    def keep(outcome: Outcome) -> None:
        outcomes[outcome.backend] = outcome
        on_outcome(outcome)

    def start(backends: list[str], cpus: list[int]) -> Child[str]:
        (backend,) = backends
        folder = Path(jobs[backend].folder)
        folder.mkdir(parents=True)

        def take(line: bytes) -> bool:
            record = msgspec.convert(json.loads(line), ThetaRecord)
            if record.backend == backend:
                keep(Outcome(backend, "ok", "", folder, record))
            else:
                reason = f"asked for {backend}, but {record.backend} was active"
                keep(Outcome(backend, "failed", reason, folder))
            return True

        def settle(backend: str, status: Lost, reason: str, tail: str) -> None:
            last = tail.rpartition("\n")[2] if status == "failed" else ""
            keep(Outcome(backend, status, last or reason, folder))

        job = Job(backend, "cpu", (("theta.measure", jobs[backend]),), 1, cpus)
        return Child(job, backends, take=take, settle=settle, timeout_s=timeout_s)

    for backend in jobs:
        if BACKENDS[backend].lacking():
            keep(missing(backend, Path(jobs[backend].folder)))
    groups = [[backend] for backend in jobs if backend not in outcomes]
    side_by_side(groups, start, parallel=cpu_threads(), threads=1)
    return {backend: outcomes[backend] for backend in jobs}
