"""`elbostone check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..equality.phase import load_problems
from ..report.options import (
    TIMEOUT_S,
    AsJson,
    Backends,
    Device,
    Dtypes,
    Modes,
    Notations,
    Out,
    Timeout,
    WorkerThreads,
    checked_threads,
)
from .presets import CHECKED_DTYPES
from .run import Order, Resume, carry_out


def check(
    problem: Annotated[
        list[Path] | None, typer.Argument(help="PROBLEM.json files; the digits by default.", show_default=False)
    ] = None,
    notation: Notations = None,
    backend: Backends = None,
    device: Device = "cpu",
    dtype: Dtypes = None,
    mode: Modes = None,
    out: Out = Path("reports"),
    resume: Resume = None,
    timeout: Timeout = TIMEOUT_S,
    threads: WorkerThreads = 1,
    as_json: AsJson = False,
) -> None:
    """Check every matching cell against the reference and every other cell, and what each notation claims."""
    problems = load_problems(problem or ())
    order = Order(
        "check",
        notations=notation or [],
        backends=backend or [],
        device=device,
        threads=checked_threads(threads),
        timeout_s=timeout,
        problems=[each.name for each in problems],
        dtypes=dtype or [*CHECKED_DTYPES],
        modes=mode or [],
    )
    carry_out(order, out, resume, as_json, problems=problems)
