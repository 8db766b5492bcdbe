"""What a child process is started with."""

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
    "explain.measure",
    "timing.measure.plugin",
    "timing.measure.profiling",
]
RECORDS = "records.jsonl"
"""The file of a child's records, beside its job file."""
Parts = tuple[tuple[Measure, Any], ...]
"""What a child is asked, in order: a module, and its `Asked`."""


class Job(msgspec.Struct, frozen=True):
    """What a child is started with; it reads this in its job file, where a part is plain JSON.

    Attributes:
        backend, device: of its binding; no backend where what is measured imports its framework itself.
        parts: what is asked of it.
        threads: of one operation; None for what the framework takes by itself, on all CPUs.
        cpus: the CPUs that it keeps to; None for as many as `threads`, those first that are first.
        x64: whether JAX may use 64-bit numbers; without this it computes float64 in float32, silently.
        tf32: whether a GPU may multiply in TF32 where it is asked to.
        caches: folder for compile caches; None for the child's own, so that a first call is a cold one.
        compiled_once: whether all workers of this process share what JAX compiles. It changes no number, but a first
            call is then no cold one.
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
    compiled_once: bool = False
    environment: Mapping[str, str] = {}
