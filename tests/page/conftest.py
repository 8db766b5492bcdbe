"""A committed run, copied to where a page can be drawn, and a Chromium to look at it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from page.opened import THETA, TRAINING, copied, watch
from playwright.sync_api import Browser, Page, sync_playwright

from elbostone.page.draw import Runs, draw


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the committed quick run, with what θ means and the curves of training."""
    return draw(Runs(copied(tmp_path_factory.mktemp("quick") / "run"), THETA, training=TRAINING))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    path = os.environ.get("ELBOSTONE_CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.fail("the page is tested in Chromium: install Debian's package `chromium`, or set ELBOSTONE_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What went wrong in a browser's page; a test that opens one finds it empty at its end."""
    return []


@pytest.fixture
def page(chromium: Browser, complaints: list[str]) -> Iterator[Page]:
    """A browser's page 1280 pixels wide, in which nothing is complained of and nothing is asked of a network."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    watch(opened, complaints)
    yield opened
    context.close()
    assert not complaints
