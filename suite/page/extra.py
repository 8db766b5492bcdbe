"""The page of a run, which is drawn only where the libraries of the extra `page` are installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from ..report.console import shown_path, stderr
from ..workers.run_folder import RunFolder

PACKAGES = ("jinja2", "pygments", "latex2mathml", "altair", "vl_convert")


def lacking() -> str:
    """One line: the missing packages of the extra, and the command that installs them; empty where none is missing.

    Imports nothing.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    return f"index.html needs {', '.join(missing)}: pip install 'elbostone[page]'" if missing else ""


def leave_page(
    folder: RunFolder,
    *,
    theta: Path | None = None,
    throughput: Path | None = None,
    training: Path | None = None,
    publish: Path | None = None,
) -> Path | None:
    """Draw index.html and print its path; without the extra `page`, print what to install and return None.

    Args:
        folder: the run.
        theta, throughput, training: runs whose tables of θ, timings and curves it shows.
        publish: the folder of the page and of its charts as files; None for the run's folder, without these files.
    """
    if lack := lacking():
        stderr.print(lack, soft_wrap=True, markup=False)
        return None
    from . import draw  # the extra `page` may be missing

    with stderr.status("the page"):
        path = draw.draw(draw.Runs(folder, theta, throughput, training), publish)
    stderr.print(f"page: {shown_path(path)}", soft_wrap=True, markup=False)
    return path
