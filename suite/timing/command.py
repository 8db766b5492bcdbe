"""`elbostone bench --profile`: one timing by its key, and the framework's own trace of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

import typer

from ..backends.table import BACKENDS, DEVICES, one_of
from ..notations.registry import notations, packages
from ..reference.errors import BadInput, EnvironmentLacks
from ..reference.problem import save_problem
from ..report.console import print_json, shown_path, stderr
from ..workers.probe import blind_backends
from ..workers.records import append_record, as_document
from ..workers.run_folder import RunFolder, create_run
from ..workers.selection import lacking_compiler
from .measure.profiling import run_profile
from .plan import FULL, FULL_CUDA, LIBRARIES_BESIDE, QUICK, timings_of
from .recipes.table import steps_of
from .records import ProfileRecord
from .timed_problems import images_of, write_expected
from .timings import Timing
from .workloads import WORKLOADS, make_workload


def carry_out_profile(
    key: str,
    beside: Mapping[str, Any],
    device: str,
    out: Path,
    threads: int,
    timeout_s: float,
    as_json: bool,
) -> NoReturn:
    """Trace one timing, print where the trace is, and exit with the code of that.

    Args:
        key: of the timing.
        beside: options that choose what is timed, as given; the key says all of that.
        device: as given, or `cpu` where none is.
        out, threads, timeout_s, as_json: as given.

    Raises:
        BadInput: an unknown key, or an option that contradicts it.
        EnvironmentLacks: what the timing needs is not installed.
    """
    if given := [name for name, value in beside.items() if value]:
        raise BadInput(
            f"--profile: the cell says what is run: expected no {', '.join(beside)}; found {', '.join(given)}"
        )
    timing = find_timing(key)
    cell = timing.cell
    if one_of("device", device, DEVICES) not in ("cpu", cell.device):
        raise BadInput(f"--profile: expected --device {cell.device}, as in '{key}'; found --device {device}")
    backend = BACKENDS[cell.backend]
    if backend.lacking():
        raise EnvironmentLacks(backend.remedy())
    if cell.mode == "compiled" and cell.backend == "torch" and (lack := lacking_compiler()):
        raise EnvironmentLacks(lack)
    blind_backends(cell.device, [cell.backend])
    options = {"verb": "bench --profile", "cell": key, "threads": threads, "timeout_s": timeout_s}
    folder = create_run(out, options)
    with stderr.status(f"tracing {key}"):
        record = profile(folder, timing, threads=threads, timeout_s=timeout_s)
    place = trace_folder(folder, timing)
    if as_json:
        print_json({"schema": 1, "run": str(folder.path), "trace": str(place), "record": as_document(record)})
    elif record.status == "ok":
        _print(place, record.calls)
    else:
        print(f"{record.found or record.status}: {key}: {record.reason}")
    raise typer.Exit(int(record.status != "ok"))


def _print(place: Path, calls: int) -> None:
    if table := operations(place):
        print(f"{table}\n")
    print(f"trace of {calls} warm call{'s' if calls > 1 else ''}: {shown_path(place)}")
    for line in ways_to_open(place, shown_path):
        print(f"to open it: {line}")


CLOSEST = 3
_FORM = "STAGE-WORKLOAD-BATCH-NOTATION-BACKEND-DEVICE-DTYPE-MODE, with -RUNG where the mode is tuned"
_SAMPLES = {"cpu": (QUICK, LIBRARIES_BESIDE, FULL), "cuda": (QUICK, LIBRARIES_BESIDE, FULL_CUDA)}


def find_timing(key: str) -> Timing:
    """The timing of a key; its problem is still to be made.

    Raises:
        BadInput: no timing has the key, or nothing can trace it.
    """
    known = {timing.key: timing for timing in candidates()}
    found = known.get(key)
    if found is None:
        traced = [name for name, timing in known.items() if timing.cell.mode != "exported"]
        closest = ", ".join(get_close_matches(key, traced, CLOSEST))
        expected = f"a timing, the closest known are {closest}" if closest else _FORM
        raise BadInput(f"--profile: expected {expected}; found '{key}'")
    if found.cell.mode == "exported":
        raise BadInput(f"--profile: expected a mode that a framework executes; found '{key}', run by ONNX Runtime")
    return found


def candidates() -> Iterator[Timing]:
    """Every timing that a run may have, whichever notations it is asked for; those of `tuned` at each of its steps."""
    for device, samples in _SAMPLES.items():
        for part in dict.fromkeys(replace(s, notations=None) for sample in samples for s in sample.slices):
            spec = WORKLOADS[part.workload]
            for timing in timings_of(part, spec, notations().values(), packages(), device):
                cell = timing.cell
                if cell.mode != "tuned":
                    yield timing
                    continue
                for step in steps_of(cell.backend, spec, timing.stage, timing.batch, cell.dtype, device):
                    yield replace(timing, last_step=step.name)


#: How a file of a trace is opened, by the end of its name.
OPENED_BY = {
    "trace.json": "load {file} at https://ui.perfetto.dev or chrome://tracing",
    ".trace.json.gz": "load {file} at https://ui.perfetto.dev",
    ".xplane.pb": "pip install tensorboard tensorboard-plugin-profile; tensorboard --logdir {folder}",
}


def profile(folder: RunFolder, timing: Timing, *, threads: int, timeout_s: float) -> ProfileRecord:
    """Trace a timing; its record is kept in the run folder. Returns the record."""
    workload = make_workload(timing.workload, timing.batch, images_of(timing.workload))
    file = str(save_problem(workload.problem, folder.problems))
    timing = replace(timing, problem_file=file, cell=replace(timing.cell, problem=workload.problem.name))
    write_expected([timing])
    place = trace_folder(folder, timing)
    place.mkdir(parents=True)
    record = run_profile(timing, place, threads=threads, timeout_s=timeout_s)
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
