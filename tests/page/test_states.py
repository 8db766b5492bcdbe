"""Pages of runs of every kind, in a headless Chromium: right, quick, legible on a phone, and open to everybody."""

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from page.opened import FULL, OVERFLOWING, copied, draw_charts, watch
from page.planted import HOSTILE, all_failed, hostile, many, one_cell, run_with
from playwright.sync_api import Browser, Page, expect

from elbostone.page import draw as drawing
from elbostone.page.draw import Runs, draw
from elbostone.workers.run_folder import RunFolder

pytestmark = pytest.mark.page
INTERACTIVE_S = 2.0

STATES: dict[str, tuple[Callable[[Path], RunFolder], str]] = {
    "no-cell": (lambda folder: copied(folder, "run.json"), "Nothing was compared"),
    "one-cell": (lambda folder: run_with(folder, one_cell), "1 cell is equal"),
    "all-failed": (lambda folder: run_with(folder, all_failed), "Not everywhere"),
    "hostile": (lambda folder: run_with(folder, all_failed), "Not everywhere"),
    "many": (lambda folder: run_with(folder, many), "cells are equal"),
}


@pytest.mark.parametrize("state", STATES)
def test_a_page_is_right_and_quick_whatever_the_run(
    state: str, chromium: Browser, complaints: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what it must, fits a phone, and answers within two seconds."""
    made, said = STATES[state]
    if state == "hostile":
        monkeypatch.setattr(drawing, "notations", hostile)
        monkeypatch.setattr(drawing.rosetta, "copies", lambda sources: {})
    path = draw(Runs(made(tmp_path / "run")))
    page = chromium.new_page(viewport={"width": 375, "height": 812})
    watch(page, complaints)
    inspected = page.context.new_cdp_session(page)
    inspected.send("Performance.enable", {"timeDomain": "threadTicks"})  # CPU time, whatever else the machine does
    page.goto(path.as_uri(), wait_until="domcontentloaded")
    page.locator("[name=notation]").first.select_option(HOSTILE if state == "hostile" else "burda_2016")
    spent = {each["name"]: each["value"] for each in inspected.send("Performance.getMetrics")["metrics"]}
    passed = spent["TaskDuration"]
    assert passed < INTERACTIVE_S, f"{passed:.2f} s until a notation could be chosen"
    expect(page.locator(".verdict")).to_contain_text(said)
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    page.close()
    assert not complaints


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_axe_finds_nothing_serious(quick: Path, chromium: Browser, scheme: str, width: int) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(quick.as_uri())
    draw_charts(page)
    found = Axe().run(page).response["violations"]
    page.close()
    serious = [
        (each["id"], len(each["nodes"]), each["nodes"][0]["html"], each["nodes"][0]["failureSummary"])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
    assert not serious


def test_axe_would_find_something(quick: Path, page: Page) -> None:
    """A planted error: text that is as light as its paper, and a field that nothing names."""
    page.goto(quick.as_uri())
    page.evaluate("""() => { document.querySelector(".lead").style.color = "#f4f4f4";
        document.querySelector("main").append(document.createElement("input")); }""")
    found = {each["id"] for each in Axe().run(page).response["violations"]}
    assert {"color-contrast", "label"} <= found


def test_it_prints(quick: Path, page: Page) -> None:
    """On paper there is no menu and no field, nothing is cut, and what was folded is named."""
    page.goto(quick.as_uri() + "#compare=goodfellow_2016,keras_io")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 794, "height": 1123})
    assert page.evaluate(OVERFLOWING) == [], "these two have the longest equations"
    assert page.locator("header:visible, .choose:visible, input:visible, button:not(th *):visible").count() == 0
    assert page.locator(".timings thead th").first.inner_text() == "workload", "a head that sorts is a word on paper"
    expect(page.locator(".verdict")).to_be_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_the_longest_equations_fit_a_phone(quick: Path, chromium: Browser) -> None:
    page = chromium.new_page(viewport={"width": 375, "height": 812})
    page.goto(quick.as_uri() + "#compare=goodfellow_2016,keras_io")
    draw_charts(page)
    assert page.evaluate(OVERFLOWING) == ["All that was timed"]
    page.close()


def test_the_batch_is_drawn_of_a_full_run(chromium: Browser, complaints: list[str], tmp_path: Path) -> None:
    """Against the batch, with cold start and recipes, from another run than the cells'."""
    path = draw(Runs(copied(tmp_path / "run", "run.json"), throughput=FULL))
    page = chromium.new_page(viewport={"width": 375, "height": 812})
    watch(page, complaints)
    page.goto(path.as_uri())
    draw_charts(page)
    for name in ("throughput-784-400-20-encoder-float32", "cold-start", "recipes-encoder-keras-tensorflow"):
        expect(page.locator(f"[id^=chart-{name}] svg")).to_be_visible()
    assert page.locator(".wide").count() == 0, "no chart is wider than a phone"
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    page.close()
    assert not complaints
