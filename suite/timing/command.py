"""`elbostone bench --profile`: one timing by its key, and the framework's trace of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from itertools import product
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import typer

from ..backends.table import DEVICES, one_of
from ..notations.registry import notations, packages
from ..reference.errors import BadInput
from ..reference.problem import save_problem
from ..report.console import print_json, shown_path, stderr
from ..workers.jobs import Job
from ..workers.probe import require_backends
from ..workers.records import append_record, as_document, as_record, verified
from ..workers.run_folder import RunFolder, create_run
from ..workers.supervisor import Child, Lost
from .asked import ProfileAsked
from .measure.profiling import untraced
from .plan import FULL, FULL_CUDA, LIBRARIES_BESIDE, QUICK, timings_of
from .records import ProfileRecord
from .timed_problems import images_of, write_expected
from .timings import Timing, thread_limit
from .workloads import WORKLOADS, make_workload

CLOSEST = 3
_FORM = "STAGE-WORKLOAD-BATCH-NOTATION-BACKEND-DEVICE-DTYPE-MODE, with -STEP where the mode is tuned"
_SAMPLES = {"cpu": (QUICK, LIBRARIES_BESIDE, FULL), "cuda": (QUICK, LIBRARIES_BESIDE, FULL_CUDA)}
#: End of a trace file's name → how to open the file.
OPENED_BY = {
    "trace.json": "load {file} at https://ui.perfetto.dev or chrome://tracing",
    ".trace.json.gz": "load {file} at https://ui.perfetto.dev",
    ".xplane.pb": "pip install tensorboard tensorboard-plugin-profile; tensorboard --logdir {folder}",
}


def carry_out_profile(
    key: str,
    beside: Mapping[str, Any],
    device: str,
    out: Path,
    threads: int,
    timeout_s: float,
    as_json: bool,
) -> NoReturn:
    """Trace one timing, print the path of the trace, and exit with the code of the outcome.

    Args:
        key: the key of the timing.
        beside: option → value, of the options that choose timings; the key excludes all of them.
        device: the given device, or `cpu` where none is given.
        out, threads, timeout_s, as_json: the options of the command.

    Raises:
        BadInput: an unknown key, or an option that contradicts it.
        EnvironmentLacks: a package that the timing needs is not installed.
    """
    if given := [name for name, value in beside.items() if value]:
        raise BadInput(
            f"--profile: the key chooses the timing: expected no {', '.join(beside)}; found {', '.join(given)}"
        )
    timing = find_timing(key)
    cell = timing.cell
    if one_of("device", device, DEVICES) not in ("cpu", cell.device):
        raise BadInput(f"--profile: expected --device {cell.device}, as in '{key}'; found --device {device}")
    require_backends(cell.device, [cell.backend], [cell.mode])
    folder = create_run(out, {"verb": "bench --profile", "cell": key, "threads": threads, "timeout_s": timeout_s})
    place = folder.path / "profile" / key
    with stderr.status(f"tracing {key}"):
        record = profile(folder, timing, place, threads, timeout_s)
    if as_json:
        print_json({"schema": 1, "run": str(folder.path), "trace": str(place), "record": as_document(record)})
    elif record.status != "ok":
        print(f"{record.found or record.status}: {key}: {record.reason}")
    else:
        for table in sorted(place.glob("*.txt")):  # the framework's table of the costliest operations
            print(table.read_text(encoding="utf-8").rstrip() + "\n")
        print(f"trace of {record.calls} warm calls: {shown_path(place)}")
        for name, (end, line) in product(record.files, OPENED_BY.items()):
            if name.endswith(end):
                print(f"to open it: {line.format(file=shown_path(place / name), folder=shown_path(place))}")
    raise typer.Exit(int(record.status != "ok"))


def find_timing(key: str) -> Timing:
    """The timing of a key, without its problem file.

    Raises:
        BadInput: no timing has the key, or its mode cannot be traced.
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
    """Every timing that a run can have, of all notations."""
    for device, samples in _SAMPLES.items():
        for part in dict.fromkeys(replace(s, notations=None) for sample in samples for s in sample.slices):
            yield from timings_of(part, WORKLOADS[part.workload], notations().values(), packages(), device)


def profile(folder: RunFolder, timing: Timing, place: Path, threads: int, timeout_s: float) -> ProfileRecord:
    """Trace a timing in a new process, in the environment in which it is timed; add the record to the run's.

    Args:
        folder: the run.
        timing: a timing without its problem file.
        place: the folder for the framework's files.
        threads: threads of one operation, where the timing has pinned threads.
        timeout_s: the longest time of the process, in seconds.

    Returns:
        the record: `reason` says why there is no trace, `found` whether the outputs differ from the reference, `files`
        are the framework's.
    """
    workload = make_workload(timing.workload, timing.batch, images_of(timing.workload))
    file = str(save_problem(workload.problem, folder.problems))
    timing = replace(timing, problem_file=file, cell=replace(timing.cell, problem=workload.problem.name))
    write_expected([timing])
    place.mkdir(parents=True)
    cell, limit = timing.cell, thread_limit(timing, threads)
    found: list[ProfileRecord] = []

    def take(line: bytes) -> bool:
        found.append(as_record(json.loads(line), ProfileRecord))
        return True

    def settle(item: Timing, status: Lost, reason: str, tail: str) -> None:
        found.append(untraced(item, status, reason, traceback=tail))

    job = Job(
        cell.backend,
        cell.device,
        (("timing.measure.profiling", ProfileAsked(timing, str(place.resolve()))),),
        limit,
        x64=cell.dtype.startswith("float64"),
        tf32=cell.dtype == "tf32",
    )
    Child(job, [timing], take=take, settle=settle, timeout_s=timeout_s, name="session", lingers=True).follow()
    files = sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())
    record = msgspec.structs.replace(verified(found[0], limit), files=files)
    append_record(folder.records, record)
    return record
