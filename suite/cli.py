"""The command line: one verb one job, results on stdout, progress on stderr, and the exit codes of `main`."""

from __future__ import annotations

import os
import sys

import typer
from typer.exceptions import TyperException

from . import __version__
from .claims.command import symbols
from .equality.command import evaluate
from .explain.command import explain
from .reference.errors import BadInput, EnvironmentLacks
from .runs.check import check
from .runs.copying import copy
from .runs.listing import list_
from .runs.report import report
from .runs.run import bench, run
from .theta.command import theta

app = typer.Typer(
    name="elbostone",
    help="One VAE, every published notation, equal ELBOs: checks, tables and throughput.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 all right; 1 a cell differs, failed or timed out, or a promise of bench --aa is broken; "
    "2 bad input; 3 something is not installed.",
)
for command in (list_, check, evaluate, symbols, theta, explain, copy, bench, report, run):
    app.command(name=command.__name__.rstrip("_"))(command)


@app.callback(invoke_without_command=True)
def version(show: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    if show:
        print(f"elbostone {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line.

    Exit codes: 0 all right; 1 any `differs`, `failed`, `timeout` or `unexpected-pass`, or a broken promise of
    `bench --aa`; 2 wrong usage or bad input; 3 the environment lacks what was asked for by name.
    """
    os.environ["PYTHONSAFEPATH"] = "1"  # what is started from here on imports nothing of the current folder
    try:
        code = typer.main.get_command(app).main(standalone_mode=False)
    except (BadInput, TyperException) as error:
        sys.exit(_complain(error, 2))
    except EnvironmentLacks as error:
        sys.exit(_complain(error, 3))
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(_complain("interrupted; a run folder, if one was begun, goes on with --resume", 130))
    sys.exit(code if isinstance(code, int) else 0)


def _complain(error: Exception | str, code: int) -> int:
    """One line on stderr."""
    text = error.format_message() if isinstance(error, TyperException) else str(error)
    print(f"elbostone: {' '.join(text.split())}", file=sys.stderr)
    return code
