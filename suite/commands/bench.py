"""`elbostone bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..definition.errors import BadInput
from .options import AsJson, Backends, Device, Notations, Out, Threads, Timeout, thread_count
from .run import Full, Order, Resume, carry_out

Peers = Annotated[bool, typer.Option("--peers", help="Other libraries' VAEs, with one notation of ours beside them.")]

AgainstItself = Annotated[
    bool,
    typer.Option("--aa", help="Time a cell against itself, and against itself slowed by 10 %; with --full beside all."),
]


def bench(
    full: Full = False,
    peers: Peers = False,
    aa: AgainstItself = False,
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
    if aa and peers:
        raise BadInput("--aa: expected alone or with --full; found --peers beside it")
    order = Order("bench", full, notation or [], backend or [], device, thread_count(threads), timeout, peers, aa)
    carry_out(order, out, resume, as_json)
