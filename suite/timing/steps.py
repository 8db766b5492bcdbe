"""Which optimisation steps are compared: those of each stage that a sample has tuned."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from ..backends.table import BACKENDS
from ..notations.notation import Notation
from .asked import STEPS, PairedComparison
from .plan import STEP_BATCHES, BenchSample, Key, Proven, plan_timings
from .recipes.table import Step, steps_of
from .timings import Timing
from .workloads import WORKLOADS, Workload

BLOCKS, LIMIT_S = 20, 10.0


def comparison_of(key: Key, first: Sequence[Timing], steps: Sequence[Step]) -> PairedComparison:
    """All optimisation steps of a stage against each other, and against what is published and eager.

    Args:
        key: whose optimisation steps they are.
        first: as published, or eager where nothing is: what the steps are held against.
        steps: from the plainest on.
    """
    backend, workload, stage, batch, dtype = key
    cell = replace(first[0].cell, mode="tuned", dtype=dtype)
    tuned = [replace(first[0], cell=cell, last_step=step.name) for step in steps]
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
    device: str = "cpu",
    backends: Collection[str] = (),
) -> list[PairedComparison]:
    """The comparisons of optimisation steps of all stages that a sample has tuned. Args: as `plan_timings`."""
    files, chosen = list(workloads), list(notations)
    found: dict[Key, PairedComparison] = {}
    for part in sample.slices:
        if "tuned" not in part.modes:
            continue
        plain = replace(part, modes=("published", "eager"), dtypes=("float32",), threads=("pinned",))
        plain = replace(plain, batches=tuple(batch for batch in part.batches if batch in STEP_BATCHES))
        first: dict[tuple[str, str, int], list[Timing]] = {}
        for timing in plan_timings(
            replace(sample, slices=(plain,)), files, chosen, packages, proven, device=device, backends=backends
        ):
            own = first.setdefault((timing.cell.backend, timing.stage, timing.batch), [timing])
            # One notation's: the others' networks are the same.
            if timing.cell.notation == own[0].cell.notation and timing != own[0]:
                own.append(timing)
        for (backend, stage, batch), timings in first.items():
            for dtype in part.dtypes:
                key = backend, part.workload, stage, batch, dtype
                steps = steps_of(backend, WORKLOADS[part.workload], stage, batch, dtype, device)
                if steps and dtype in BACKENDS[backend].timed_dtypes:
                    found.setdefault(key, comparison_of(key, timings, steps))
    return list(found.values())
