"""`elbostone copy`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..backends.table import one_of
from ..notations.registry import choose
from ..notations.schema import FRAMEWORKS
from ..notations.standalone import standalone
from ..reference.errors import BadInput
from ..reference.files import write_text
from ..report.console import shown_path, stderr


def copy(
    notation: Annotated[str, typer.Argument(help="A notation's id.")],
    framework: Annotated[str, typer.Option(help=f"One of {', '.join(FRAMEWORKS)}.")],
    out: Annotated[Path | None, typer.Option(help="Where to write the file; stdout by default.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file of --out if there is one.")] = False,
) -> None:
    """Copy a notation's implementation as one file that does not need elbostone, and that trains when it is run."""
    one_of("framework", framework, FRAMEWORKS)
    (chosen,) = choose([notation])
    text = standalone(chosen, framework)
    if out is None:
        print(text, end="")
        return
    if out.is_dir() or not out.parent.is_dir():
        raise BadInput(
            f"--out {out}: expected a file in a folder that exists; found {'a' if out.is_dir() else 'no'} folder"
        )
    if out.exists() and not force:
        raise BadInput(f"--out {out}: expected no file there, or --force, which replaces it; found one")
    write_text(out, text)
    stderr.print(
        f"wrote {shown_path(out)}; python {shown_path(out)} trains it on the digits", soft_wrap=True, markup=False
    )
