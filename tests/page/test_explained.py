"""The section of public losses: each with its sentence, β, change and report, without scripts and on a phone."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from elbostone.page.explained import section

pytestmark = pytest.mark.page


def test_each_loss_is_told_whole_without_scripts_on_a_phone(quick: Path, chromium: Browser) -> None:
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 375, "height": 812})
    page = context.new_page()
    page.goto(quick.as_uri() + "#explained")
    articles = page.locator("#explained article")
    assert articles.count() == len(section()) >= 6
    for article, loss in zip(articles.all(), section(), strict=True):
        for text in (
            loss.sentence,
            loss.formula,
            loss.beta or "not determined",
            *(note.replace("`", "") for note in loss.notes),
            *(loss.change or ()),
        ):
            expect(article).to_contain_text(text)
        mark = "✖ a fault" if loss.fault else "△ no fault, with a note" if loss.notes else "✓ no fault"
        assert article.locator(".mark").inner_text() == mark
        assert article.locator("a").get_attribute("href") == f"https://github.com/{loss.source}"
        assert (article.bounding_box() or {})["width"] <= 375
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    context.close()
