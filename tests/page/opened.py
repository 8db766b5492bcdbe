"""Run folders to draw, and pages that are watched."""

import shutil
from pathlib import Path

from playwright.sync_api import Page

from elbostone.workers.run_folder import RunFolder

REPORTS = Path(__file__).parents[2] / "reports"
QUICK, THETA, FULL, TRAINING = (REPORTS / "committed" / name for name in ("quick", "theta", "full", "training"))


def copied(folder: Path, *names: str) -> RunFolder:
    """A run folder with these files of the committed quick run; all of them where none is named."""
    shutil.copytree(QUICK, folder, ignore=lambda _, found: set(found) - {*names} if names else set())
    return RunFolder(folder)


def watch(opened: Page, complaints: list[str]) -> None:
    """Note errors, messages, dialogs and requests."""
    opened.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    opened.on("console", lambda message: complaints.append(f"console: {message.text}"))
    opened.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    opened.on(
        "request",
        lambda request: (
            request.url.startswith(("file:", "data:", "blob:")) or complaints.append(f"asked {request.url}")
        ),
    )


OVERFLOWING = """() => [...document.querySelectorAll(".scroll, .math")]
    .filter((part) => part.checkVisibility() && part.scrollWidth > part.clientWidth + 1)
    .map((part) => part.getAttribute("aria-label") ?? part.textContent)"""
"""What has to be scrolled sideways to be read."""


def draw_charts(opened: Page) -> None:
    """Bring each picture into the window, where it becomes a chart that answers."""
    for picture in opened.locator("[data-chart]").all():
        picture.evaluate("picture => picture.scrollIntoView()")
        picture.and_(opened.locator("[data-drawn]")).wait_for(state="attached")
    opened.evaluate("scrollTo(0, 0)")
