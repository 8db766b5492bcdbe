"""Start a worker per backend, a few at a time, and bring back what each left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from ..backends import BACKENDS
from ..environment import worker_environment


@dataclass(frozen=True)
class Outcome:
    """What came of one backend.

    Attributes:
        status: `ok`, `missing`, `failed` or `timeout`.
        reason: why there is nothing, in one line; empty where there is something.
        folder: where the worker left its tensors.
        record: its outcome.json: versions, seconds per task, and what the tasks returned.
    """

    backend: str
    status: str
    reason: str
    folder: Path
    record: Mapping[str, Any] = field(default_factory=dict)


def missing(backend: str, folder: Path) -> Outcome:
    """The outcome of a backend that is not installed."""
    return Outcome(backend, "missing", BACKENDS[backend].remedy(), folder)


def run_jobs(
    jobs: Mapping[str, Mapping[str, Any]],
    folder: Path,
    *,
    timeout_s: float,
    on_outcome: Callable[[Outcome], None] = lambda outcome: None,
) -> dict[str, Outcome]:
    """A job in every backend, each in a process of its own on one CPU, as many at a time as there are CPUs.

    Args:
        jobs: by backend: `tasks`, `inputs`, and what the tasks need.
        folder: a folder per backend is made in it.
        timeout_s: how long one worker may take.
        on_outcome: called with each outcome as it comes, from another thread.
    """
    cpus: SimpleQueue[int] = SimpleQueue()
    for cpu in sorted(os.sched_getaffinity(0)):
        cpus.put(cpu)

    def one(backend: str) -> Outcome:
        if BACKENDS[backend].lacking():
            outcome = missing(backend, folder)
        else:
            cpu = cpus.get()
            try:
                outcome = _run(
                    backend, {**jobs[backend], "backend": backend, "cpus": [cpu]}, folder / backend, timeout_s
                )
            finally:
                cpus.put(cpu)
        on_outcome(outcome)
        return outcome

    with ThreadPoolExecutor(max_workers=cpus.qsize()) as pool:
        return dict(zip(jobs, pool.map(one, jobs), strict=True))


def _run(backend: str, job: dict[str, Any], folder: Path, timeout_s: float) -> Outcome:
    folder.mkdir(parents=True)
    path = folder / "job.json"
    path.write_text(json.dumps({**job, "folder": str(folder)}), encoding="utf-8")
    command = [sys.executable, "-m", f"{__package__}.worker", str(path)]
    try:
        done = subprocess.run(
            command,
            env=worker_environment(backend, "cpu", 1, folder, compiled_once=True),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome(backend, "timeout", f"no outcome within {timeout_s:g} s", folder)
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
        return Outcome(backend, "failed", lines[-1], folder)
    record = json.loads((folder / "outcome.json").read_text(encoding="utf-8"))
    if record["backend"] != backend:
        return Outcome(backend, "failed", f"asked for {backend}, but {record['backend']} was active", folder)
    return Outcome(backend, "ok", "", folder, record)
