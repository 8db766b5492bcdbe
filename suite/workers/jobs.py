"""The job with which a child process is started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

# Each module has a struct `Asked` and a function `measure(binding, asked, append)`; it is imported when a job names it.
Measure = Literal[
    "workers.probe",
    "equality.measure",
    "claims.measure",
    "theta.measure",
    "training.measure",
    "explain.measure",
    "timing.measure.plugin",
    "timing.measure.profiling",
]
RECORDS = "records.jsonl"
"""The file of a child's records, beside its job file."""
Parts = tuple[tuple[Measure, Any], ...]
"""The parts of a job, in order: a module, and its `Asked`."""


class Job(msgspec.Struct, frozen=True):
    """The job of a child process, which reads it from its job file, where a part is plain JSON.

    Attributes:
        backend, device: those of its binding; no backend where a part imports its framework itself.
        parts: what the child does, in order.
        threads: threads of one operation; None for the framework's default on all CPUs.
        cpus: the CPUs that it keeps to; None for as many as `threads`, those first that are first.
        x64: whether JAX may use 64-bit numbers; without this it computes float64 in float32, silently.
        tf32: whether a GPU may multiply in TF32 where it is asked to.
        caches: the folder for compile caches, where first calls are timed. None gives torch an empty folder, and JAX
            one that all children of this process share: it changes no number.
        environment: variables beside those that follow from the rest.
    """

    backend: str | None
    device: str = "cpu"
    parts: Parts = ()
    threads: int | None = 1
    cpus: Sequence[int] | None = None
    x64: bool = True
    tf32: bool = False
    caches: str | None = None
    environment: Mapping[str, str] = {}
