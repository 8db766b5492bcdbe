"""Which optimisation steps each stage has on a backend: a process of its own asks the tuner, then they are compared."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from ...backends import Binding
from ...backends.table import BACKENDS
from ...notations.notation import Notation
from ...reference.problem import load_problem
from ...workers.jobs import Job
from ...workers.records import Append
from ...workers.supervisor import Child, Lost
from ..asked import STEPS, PairedComparison, StepsAsked
from ..plan import STEP_BATCHES, BenchSample, Key, Proven, plan_timings
from ..recipes import Step, open_tuner
from ..timings import Timing
from ..workloads import Workload

Asked = StepsAsked

BLOCKS, LIMIT_S = 20, 10.0


class Steps(msgspec.Struct, frozen=True):
    """What a tuner answers: the optimisation steps of a stage, from the plainest on."""

    steps: tuple[Step, ...]


def comparison_of(key: Key, first: tuple[Timing, ...], steps: Sequence[Step]) -> PairedComparison:
    """All optimisation steps of a stage against each other, and against what is published and eager.

    Args:
        key: whose optimisation steps they are.
        first: as published, or eager where nothing is: what the steps are held against.
        steps: from the plainest on.
    """
    backend, workload, stage, batch, dtype = key
    cell = replace(first[0].cell, mode="tuned", dtype=dtype)
    tuned = tuple(replace(first[0], cell=cell, last_step=step.name) for step in steps)
    name = "-".join((STEPS, stage, workload, str(batch), backend, dtype))
    labels = (*(timing.cell.mode for timing in first), *(step.adds for step in steps))
    return PairedComparison(name, STEPS, (*first, *tuned), labels, blocks=BLOCKS, limit_s=LIMIT_S)


def plan_step_comparisons(
    sample: BenchSample,
    workloads: Iterable[tuple[Workload, str]],
    notations: Iterable[Notation],
    packages: Mapping[str, str],
    proven: Proven,
    *,
    device: str,
    threads: int,
    backends: Collection[str] = (),
) -> list[PairedComparison]:
    """The comparisons of optimisation steps of all stages that a sample has tuned, on the installed backends.

    Args: as `plan_timings`; threads: of one operation.
    """
    parts = [
        replace(part, modes=("tuned",), threads=("pinned",), awaited=(True,), timed=True)
        for part in sample.slices
        if "tuned" in part.modes
    ]
    first = [replace(part, modes=("published", "eager"), dtypes=("float32",)) for part in parts]
    files = list(workloads)
    plain: dict[tuple[str, str, str, int], list[Timing]] = {}
    chosen = list(notations)
    planned = plan_timings(
        replace(sample, slices=tuple(first)), files, chosen, packages, proven, device=device, backends=backends
    )
    for timing in planned:
        plain.setdefault((timing.cell.backend, timing.workload, timing.stage, timing.batch), []).append(timing)
    wanted: dict[Key, tuple[Timing, ...]] = {}
    for part in parts:
        for (backend, workload, stage, batch), timings in plain.items():
            if workload != part.workload or stage not in part.stages or batch not in part.batches:
                continue
            if batch not in STEP_BATCHES or "tuned" not in BACKENDS[backend].stage_modes:
                continue
            # One notation's: the others' networks are the same.
            own = [t for t in timings if t.cell.notation == timings[0].cell.notation]
            for dtype in part.dtypes:
                if dtype in BACKENDS[backend].timed_dtypes:
                    wanted[backend, workload, stage, batch, dtype] = tuple(own)
    found = []
    for backend in dict.fromkeys(key[0] for key in wanted):
        keys = [key for key in wanted if key[0] == backend]
        for key, steps in zip(keys, _asked(backend, device, threads, keys, wanted), strict=True):
            if steps:
                found.append(comparison_of(key, wanted[key], steps))
    return found


def _asked(
    backend: str, device: str, threads: int, keys: Sequence[Key], wanted: Mapping[Key, tuple[Timing, ...]]
) -> list[tuple[Step, ...]]:
    """The optimisation steps by key, from a process that may import the framework."""
    requests = [(wanted[key][0].problem_file, *key[2:]) for key in keys]
    found: list[tuple[Step, ...]] = []

    def take(line: bytes) -> bool:
        found.append(msgspec.json.decode(line, type=Steps).steps)
        return True

    def settle(item: Key, status: Lost, reason: str, tail: str) -> None:
        raise RuntimeError(f"{backend}: its optimisation steps cannot be asked for: {tail or reason}")

    job = Job(backend, device, (("timing.measure.steps", StepsAsked(requests)),), threads)
    Child(job, keys, take=take, settle=settle, timeout_s=math.inf).follow()
    return found


def measure(binding: Binding, asked: StepsAsked, append: Append) -> None:
    """A line per request: its optimisation steps."""
    tuner = open_tuner(binding)
    for file, stage, batch, dtype in asked.requests:
        steps = tuner.steps(load_problem(Path(file)).spec, stage, batch, dtype)
        append(Steps(steps))
