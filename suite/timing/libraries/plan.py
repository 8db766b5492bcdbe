"""The timings of other libraries, and the records of missing libraries."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from ...workers.records import Cell
from ..records import ThroughputRecord, unmeasured
from ..timings import Timing
from ..workloads import Workload
from .table import LIBRARIES, LIBRARY_MODE, supports


def plan_libraries(
    workloads: Iterable[tuple[Workload, str]], *, device: str = "cpu", backends: Collection[str] = ()
) -> tuple[list[Timing], list[ThroughputRecord]]:
    """Every variant of every installed library, and one record per missing library, stage and batch.

    Args:
        workloads: each with the path of its problem file; workloads that no library's model fits are left out.
        device: other libraries are timed on `cpu` alone.
        backends: this package's backends; libraries that run on others are left out. Empty for all.

    Returns:
        timings, and records of status `missing` with the command that installs the library.
    """
    timings: list[Timing] = []
    missing: list[ThroughputRecord] = []
    for workload, file in workloads:
        if device != "cpu" or not supports(workload.problem.spec):
            continue
        for library in LIBRARIES.values():
            if backends and library.host not in backends:
                continue
            cell = Cell(
                workload.problem.name, library.name, library.framework, library.backend, device, "float32", LIBRARY_MODE
            )
            for stage, variants in library.stages.items():
                planned = [
                    Timing(cell, workload.name, stage, workload.batch, file, last_step=v.name, bound=v.bound)
                    for v in variants
                ]
                if library.lacking():
                    missing.append(unmeasured(replace(planned[0], last_step=""), "missing", library.remedy()))
                else:
                    timings += planned
    return timings, missing
