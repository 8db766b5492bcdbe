"""`elbostone bench --profile`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import typer

from ..backends.table import BACKENDS, DEVICES, one_of
from ..reference.errors import BadInput, EnvironmentLacks
from ..report.console import print_json, shown_path, stderr
from ..workers.pool import blind_backends
from ..workers.run_folder import create_run
from ..workers.selection import lacking_compiler
from .lookup import find_timing
from .profiling import operations, profile, trace_folder, ways_to_open


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
        print_json({"schema": 1, "run": str(folder.path), "trace": str(place), "record": record})
    elif record["status"] == "ok":
        _print(place, record["calls"])
    else:
        print(f"{record['found'] or record['status']}: {key}: {record['reason']}")
    raise typer.Exit(int(record["status"] != "ok"))


def _print(place: Path, calls: int) -> None:
    if table := operations(place):
        print(f"{table}\n")
    print(f"trace of {calls} warm call{'s' if calls > 1 else ''}: {shown_path(place)}")
    for line in ways_to_open(place, shown_path):
        print(f"to open it: {line}")
