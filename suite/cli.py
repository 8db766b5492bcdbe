"""The command line: each verb does one job, results go to stdout, progress to stderr; `outcome` has the exit codes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer
from typer.exceptions import TyperException

from . import __version__
from .claims.command import symbols
from .equality.command import evaluate
from .explain.command import explain
from .reference.errors import BadInput, EnvironmentLacks
from .reference.files import printable
from .runs.check import check
from .runs.compare import compare
from .runs.copying import copy
from .runs.listing import list_
from .runs.report import report
from .runs.run import bench, run
from .theta.command import theta
from .training.command import train

MOST_LETTERS = 2000
"""The most characters of an error line, which quotes what was found."""

app = typer.Typer(
    name="elbostone",
    help="One VAE, every published notation, equal ELBOs: checks, tables and throughput.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 success; 1 a cell differs, failed or timed out, a limit of bench --aa does not hold, or a "
    "run is not complete; 2 bad input, or a file that cannot be read or written; 3 something is not installed; "
    "128 + n stopped by signal n.",
)
for command in (list_, check, evaluate, symbols, theta, train, explain, copy, bench, report, compare, run):
    app.command(name=command.__name__.rstrip("_"))(command)


@app.callback(invoke_without_command=True)
def version(show: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    if show:
        print(f"elbostone {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line and exit with its code; the process's signals and streams stay as its owner set them."""
    said, code = outcome()
    if said:
        print(f"elbostone: {said}", file=sys.stderr)
    sys.exit(code)


def outcome() -> tuple[str | None, int]:
    """Run the command line.

    Returns:
        one line on what went wrong, None where nothing did or the reader of stdout has gone; and the exit code:
        0 success; 1 any `differs`, `failed`, `timeout` or `unexpected-pass`, a limit of `bench --aa` that does not
        hold, or an incomplete run; 2 wrong usage, bad input, or a file that cannot be read or written; 3 something that
        was requested by name is not installed; 141 the reader of stdout has gone.
    """
    os.environ["PYTHONSAFEPATH"] = "1"  # child processes started from here on import nothing from the current folder
    command = typer.main.get_command(app)
    try:
        # Not command.main(), to which a closed pipe is exit code 1, as a cell that differs.
        with command.make_context("elbostone", sys.argv[1:]) as context:
            command.invoke(context)
        sys.stdout.flush()
    except typer.Exit as done:
        return None, done.exit_code
    except (BadInput, TyperException) as error:
        return _line(error.format_message() if isinstance(error, TyperException) else str(error), error), 2
    except EnvironmentLacks as error:
        return _line(str(error), error), 3
    except BrokenPipeError:
        return None, 141
    except OSError as error:
        return _line(_of_system(error), error), 2
    except MemoryError as error:
        return _line("this process: expected memory; found no more", error), 2
    except (KeyboardInterrupt, typer.Abort) as error:
        return _line("interrupted", error), 130
    return None, 0


def _of_system(error: OSError) -> str:
    """The system's error, and the file that it concerns."""
    what = error.strerror or str(error)
    if error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {what}"
    try:
        Path.cwd()
    except OSError:
        return f"the current folder: {what}: it was removed"
    return f"a file or stream: {what}"


def _line(text: str, error: BaseException) -> str:
    """One line that a terminal shows as it is, with how to go on where something was begun."""
    words = " ".join(printable(text).split())
    if len(words) > MOST_LETTERS:
        words = f"{words[:MOST_LETTERS]} …"
    return "; ".join([words, *getattr(error, "__notes__", ())])
