"""`elbostone bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..reference.errors import BadInput
from ..report.options import AsJson, Backends, Device, Notations, Out, Threads, Timeout, thread_count
from ..timing.command import carry_out_profile
from .run import Full, Order, Resume, carry_out

Peers = Annotated[bool, typer.Option("--peers", help="Other libraries' VAEs, with one notation of ours beside them.")]
Profile = Annotated[
    str | None,
    typer.Option(
        metavar="CELL",
        help="Time nothing; leave the framework's own trace of this timing, named by its key: stage, workload, batch, "
        "notation, backend, device, dtype, mode and rung, joined by dashes.",
        show_default=False,
    ),
]

AgainstItself = Annotated[
    bool,
    typer.Option("--aa", help="Time a cell against itself, and against itself slowed by 10 %; with --full beside all."),
]


def bench(
    full: Full = False,
    peers: Peers = False,
    aa: AgainstItself = False,
    profile: Profile = None,
    notation: Notations = None,
    backend: Backends = None,
    device: Device = "cpu",
    out: Out = Path("reports"),
    resume: Resume = None,
    timeout: Timeout = 300,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Throughput alone: prove the cells that are to be timed, then time them."""
    count = thread_count(threads)
    if profile is not None:
        beside: dict[str, Any] = {"--full": full, "--peers": peers, "--aa": aa}
        beside |= {"--notation": notation, "--backend": backend, "--resume": resume}
        carry_out_profile(profile, beside, device, out, count, timeout, as_json)
    if aa and peers:
        raise BadInput("--aa: expected alone or with --full; found --peers beside it")
    order = Order("bench", full, notation or [], backend or [], device, count, timeout, peers, aa)
    carry_out(order, out, resume, as_json)
