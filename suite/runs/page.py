"""The page of a run, which is drawn only where the extra `page` is installed."""

from __future__ import annotations

from pathlib import Path

from ..page.extra import lacking, remedy
from ..report.console import shown_path, stderr
from ..workers.run_folder import RunFolder


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
        publish: where to write the page, with its charts as files; in the run's own folder where None.
    """
    if lacking():
        stderr.print(remedy(), soft_wrap=True, markup=False)
        return None
    from ..page import draw  # the extra `page` may be missing

    with stderr.status("the page"):
        runs = draw.Runs(folder, theta, throughput, training)
        path = draw.publish(runs, publish) if publish else draw.draw(runs)
    stderr.print(f"page: {shown_path(path)}", soft_wrap=True, markup=False)
    return path
