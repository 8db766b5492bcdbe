"""`elbostone bench --profile`: write a timing's problem and truth, and leave its trace in a run folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..reference.errors import BadInput
from ..reference.problem import save_problem
from ..workers.records import append_record
from ..workers.run_folder import RunFolder
from .measure.profiling import NO_SUCH_RUNG, run_profile
from .timed_problems import images_of, write_expected
from .timings import Timing
from .workloads import make_workload

#: How a file of a trace is opened, by the end of its name.
OPENED_BY = {
    "trace.json": "load {file} at https://ui.perfetto.dev or chrome://tracing",
    ".trace.json.gz": "load {file} at https://ui.perfetto.dev",
    ".xplane.pb": "pip install tensorboard tensorboard-plugin-profile; tensorboard --logdir {folder}",
}


def profile(folder: RunFolder, timing: Timing, *, threads: int, timeout_s: float) -> dict[str, Any]:
    """Trace a timing; its record is kept in the run folder. Returns the record.

    Raises:
        BadInput: the timing's stage has no such rung.
    """
    workload = make_workload(timing.workload, timing.batch, images_of(timing.workload))
    file = str(save_problem(workload.problem, folder.problems))
    timing = replace(timing, problem_file=file, cell=replace(timing.cell, problem=workload.problem.name))
    write_expected([timing], [(workload, file)])
    place = trace_folder(folder, timing)
    place.mkdir(parents=True)
    record = run_profile(timing, place, threads=threads, timeout_s=timeout_s)
    if record["found"] == NO_SUCH_RUNG:
        shutil.rmtree(folder.path)  # as with every bad input, nothing is left behind
        raise BadInput(f"--profile {timing.key}: {record['reason']}")
    append_record(folder.records, record)
    return record


def trace_folder(folder: RunFolder, timing: Timing) -> Path:
    """Where the trace of a timing is."""
    return folder.path / "profile" / timing.key


def ways_to_open(place: Path, shown: Callable[[Path], str]) -> list[str]:
    """A line for each file in the folder of a trace that something opens.

    Args:
        place: the folder.
        shown: a path as it is printed.
    """
    files = sorted(path for path in place.rglob("*") if path.is_file())
    return [
        line.format(file=shown(path), folder=shown(place))
        for path in files
        for end, line in OPENED_BY.items()
        if path.name.endswith(end)
    ]


def operations(place: Path) -> str:
    """The framework's own table of the costliest operations; empty where it makes none."""
    return "\n".join(path.read_text(encoding="utf-8").rstrip() for path in sorted(place.glob("*.txt")))
