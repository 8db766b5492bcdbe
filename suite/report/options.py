"""The options by which commands select cells, shared by all verbs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ..backends.base import cpu_count
from ..backends.table import BACKENDS, DEVICES, DTYPES, MODES, one_of
from ..notations.registry import broken, choose, uninstalled
from ..reference.errors import BadInput
from ..workers.probe import require_backends
from ..workers.selection import Selection
from .console import stderr

Notations = Annotated[list[str] | None, typer.Option("--notation", help="A notation's id; repeat for several.")]
Backends = Annotated[
    list[str] | None, typer.Option("--backend", help=f"One of {', '.join(BACKENDS)}; repeat for several.")
]
Device = Annotated[str, typer.Option(help=f"One of {', '.join(DEVICES)}.")]
Dtypes = Annotated[list[str] | None, typer.Option("--dtype", help=f"One of {', '.join(DTYPES)}; repeat for several.")]
Modes = Annotated[list[str] | None, typer.Option("--mode", help=f"One of {', '.join(MODES)}; repeat for several.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")]
Out = Annotated[Path, typer.Option(help="Where the run folder is made.")]
TIMEOUT_S = 300.0
Timeout = Annotated[float, typer.Option("--timeout", help="Seconds that one cell may take.", min=1)]
Threads = Annotated[int | None, typer.Option(help="Threads of the timed calls; all CPUs by default.", min=1)]
WorkerThreads = Annotated[int, typer.Option("--threads", help="Threads of one operation.", min=1)]


def select(
    notations: Sequence[str] | None,
    backends: Sequence[str] | None,
    device: str,
    dtypes: Sequence[str] | None,
    modes: Sequence[str] | None,
    *,
    gradients: bool = True,
) -> Selection:
    """The selection of cells, after a check that the device is there.

    Raises:
        BadInput: an unknown notation, backend, device, dtype or mode.
        EnvironmentLacks: a named backend, the compiler of a named mode, or the device is not here.
    """
    selection = Selection(
        notations=tuple(choose(dict.fromkeys(notations or ()))),
        backends=tuple(dict.fromkeys(backends or ())),
        device=one_of("device", device, DEVICES),
        dtypes=tuple(one_of("dtype", dtype, DTYPES) for dtype in dict.fromkeys(dtypes or ("float64",))),
        modes=tuple(one_of("mode", mode, MODES) for mode in dict.fromkeys(modes or ("eager",))),
        gradients=gradients,
        broken={} if notations else broken(),
    )
    for reason in selection.broken.values():
        stderr.print(f"warning: {reason}", soft_wrap=True)
    if differing := uninstalled(selection.notations):
        files = ", ".join(map(str, differing))
        stderr.print(
            f"warning: the installed files are run; edited here: {files}: pip install --no-deps .", soft_wrap=True
        )
    return replace(selection, blind=require_backends(device, selection.backends, selection.modes))


def checked_threads(threads: int) -> int:
    """The requested number of threads.

    Raises:
        BadInput: more threads were requested than this process has CPUs.
    """
    if threads > cpu_count():
        raise BadInput(
            f"--threads: expected at most {cpu_count()}, the CPUs that this process may use; found {threads}"
        )
    return threads
