"""The page as a person uses it, in a headless Chromium."""

import os
import re
from pathlib import Path

import pytest
from page.opened import OVERFLOWING, draw_charts, watch
from playwright.sync_api import Browser, Page, expect

from elbostone.notations.registry import notations

pytestmark = pytest.mark.page
PAIR = "#compare=kingma_welling_2013,prince_2023&symbol=σ"
SECTIONS = ("top", "rosetta", "equality", "theta", "throughput", "training", "explained")


def shown(page: Page) -> list[str]:
    """The notations whose first equation is visible, from left to right."""
    return page.evaluate("""() => [...document.querySelector('.equation').querySelectorAll('figure')]
        .filter((figure) => !figure.hidden).sort((a, b) => a.style.order - b.style.order)
        .map((figure) => figure.dataset.notation)""")


def lit(page: Page) -> set[str]:
    """The roles that light up where they can be seen."""
    names = page.evaluate("""() => [...document.querySelectorAll('#rosetta .lights')]
        .filter((symbol) => symbol.checkVisibility()).flatMap((symbol) => [...symbol.classList])""")
    return {name for name in names if name.startswith("role-")}


def test_sections_fit_at_every_width(quick: Path, chromium: Browser, complaints: list[str], tmp_path: Path) -> None:
    """Nothing is cut off beside the page, in light and dark; the pictures are for people to look at."""
    folder = Path(os.environ.get("ELBOSTONE_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    for width in (375, 1280):
        for scheme in ("light", "dark"):
            page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            watch(page, complaints)
            page.goto(quick.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") == width
            draw_charts(page)
            assert page.evaluate("document.documentElement.scrollWidth") == width
            assert page.evaluate(OVERFLOWING) == ["All that was timed"], "a table of 14 columns may be wider"
            for section in SECTIONS:
                page.evaluate("id => document.getElementById(id).scrollIntoView()", section)
                page.screenshot(path=folder / f"{section}-{width}-{scheme}.png")
            page.close()
    assert not complaints


def test_notations_are_chosen(quick: Path, page: Page) -> None:
    page.goto(quick.as_uri())
    assert shown(page) == ["kingma_welling_2013", "prince_2023"]
    selects = page.locator(".choose select")
    selects.nth(0).select_option("rezende_2014")
    selects.nth(2).select_option("burda_2016")
    assert shown(page) == ["rezende_2014", "prince_2023", "burda_2016"]
    assert page.url.endswith("#compare=rezende_2014,prince_2023,burda_2016")
    page.reload()
    assert shown(page) == ["rezende_2014", "prince_2023", "burda_2016"]


def test_an_address_opens_what_it_says(quick: Path, page: Page) -> None:
    page.goto(quick.as_uri() + PAIR)
    assert shown(page) == ["kingma_welling_2013", "prince_2023"]
    expect(page.locator("[name=letter]")).to_have_value("σ")
    assert "role-posterior_scale" in lit(page)
    found = page.locator(".found > ul > li")
    expect(found.filter(has_text="kingma_welling_2013").first).to_contain_text("scale of q(z|x)")


def test_a_letter_is_searched_for(quick: Path, page: Page) -> None:
    page.goto(quick.as_uri() + "#compare=prince_2023,kingma_welling_2013")
    page.locator("[name=letter]").fill("θ")
    lines = page.locator(".found > ul > li")
    expect(lines.filter(has_text="prince_2023").first).to_contain_text("weights of the recognition model")
    expect(lines.filter(has_text="kingma_welling_2013").first).to_contain_text("weights of the generative model")
    page.locator("[name=letter]").fill("☃")
    expect(page.locator(".found")).to_contain_text("No source names anything ☃")


def kinds(page: Page, kind: str) -> set[tuple[str, str]]:
    """Source and role of what is lit in the equations shown: `own` is filled, all else is outlined."""
    found = page.evaluate("""() => [...document.querySelectorAll('.math .lights')]
        .filter((symbol) => symbol.checkVisibility()).flatMap((symbol) => [...symbol.classList]
        .filter((name) => name.startsWith('role-')).map((role) => [
            symbol.classList.contains('own') ? 'own' : 'other',
            symbol.closest('[data-notation]').dataset.notation, role,
        ]))""")
    return {(source, role) for own, source, role in found if own == kind}


def test_a_letter_fills_its_own_symbols_and_outlines_the_others(quick: Path, page: Page) -> None:
    page.goto(quick.as_uri() + "#compare=prince_2023,kingma_welling_2013&symbol=θ")
    theirs = {("prince_2023", "role-inference_weights"), ("kingma_welling_2013", "role-generative_weights")}
    assert kinds(page, "own") == theirs
    others = {("prince_2023", "role-generative_weights"), ("kingma_welling_2013", "role-inference_weights")}
    assert kinds(page, "other") == others
    page.locator("[name=letter]").fill("")
    assert not lit(page)
    expect(page.locator("output[name=role]")).to_have_text("")
    assert "symbol" not in page.url


def test_another_source_is_searched_anew(quick: Path, page: Page) -> None:
    page.goto(quick.as_uri() + "#compare=prince_2023,kingma_welling_2013&symbol=θ")
    page.locator("[name=notation]").first.select_option("bishop_2024")
    assert kinds(page, "own") == {("kingma_welling_2013", "role-generative_weights")}
    expect(page.locator("output[name=role]")).to_have_text("weights of the generative model")


def test_a_symbol_can_be_sent(quick: Path, page: Page) -> None:
    """A symbol that was picked is in the address; who opens it sees the same, at the first equation that has it."""
    page.add_init_script("navigator.clipboard.writeText = async (text) => { window.copied = text; };")
    page.goto(quick.as_uri() + "#compare=higgins_2017,rezende_2014")
    page.locator("figure[data-notation=higgins_2017] math .role-posterior_scale:visible").first.click()
    page.locator(".link").click()
    page.mouse.move(0, 0)
    sent = page.evaluate("window.copied")
    assert sent.endswith("#compare=higgins_2017,rezende_2014&symbol=higgins_2017.posterior_scale")
    assert page.url == sent
    page.reload()
    assert kinds(page, "own") == {("higgins_2017", "role-posterior_scale")}
    assert kinds(page, "other") == {("rezende_2014", "role-posterior_matrix")}, (
        "a covariance and a scale are one family"
    )
    expect(page.locator(".equation", has=page.locator("math .own")).first.locator("h3")).to_be_in_viewport()


@pytest.mark.parametrize(
    ("asked", "said"),
    [("sigma", "σ in these sources"), (r"\sigma", "σ in these sources"), ("variance", "“variance” in these sources")],
)
def test_a_search_knows_names_and_words(quick: Path, page: Page, asked: str, said: str) -> None:
    page.goto(quick.as_uri())
    page.locator("[name=letter]").fill(asked)
    expect(page.locator(".found > p").first).to_have_text(said)
    assert "role-posterior_scale" in lit(page) and "role-generative_weights" not in lit(page)


def test_a_logarithm_says_what_is_inside_of_it(quick: Path, page: Page) -> None:
    """Which of two sources means a variance by σ? The first chosen is answered first."""
    page.goto(quick.as_uri() + "#compare=higgins_2017,burda_2016&symbol=σ")
    lines = page.locator(".found > ul").first.locator("li").all_text_contents()
    assert [line for line in lines if "Burda" in line] == lines[2:] and "Higgins" in lines[0]
    assert "a log standard deviation: σ is the standard deviation" in lines[0]
    assert all("a log variance: σ is the variance" in line for line in lines[2:])


def test_a_finger_that_misses_a_symbol_picks_it(quick: Path, chromium: Browser) -> None:
    """On a phone, its meaning stands at the bottom of the window."""
    page = chromium.new_page(viewport={"width": 375, "height": 812}, has_touch=True)
    page.goto(quick.as_uri() + "#compare=kingma_welling_2013")
    symbol = page.locator("figure[data-notation=kingma_welling_2013] math .role-generative_weights:visible").first
    symbol.scroll_into_view_if_needed()
    box = symbol.bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] + 5)
    said = page.locator("output[name=role]")
    expect(said).to_have_text("weights of the generative model")
    expect(said).to_be_in_viewport()
    page.close()


@pytest.mark.parametrize("how", ["hover", "click", "focus"])
def test_a_symbol_lights_its_role_everywhere(quick: Path, page: Page, how: str) -> None:
    page.goto(quick.as_uri() + "#compare=kingma_welling_2013,prince_2023")
    page.locator(".file summary").first.evaluate("summary => summary.click()")
    for details in page.locator("#rosetta [data-notation]:not([hidden]) > .file").all():
        details.evaluate("details => details.open = true")
    symbol = page.locator("figure[data-notation=kingma_welling_2013] math .role-noise:visible").first
    getattr(symbol, how)()
    assert lit(page) == {"role-noise"}
    for part in (".math", ".symbols", ".code"):
        for notation in ("kingma_welling_2013", "prince_2023"):
            at = f"[data-notation={notation}] {part} .lights"
            assert page.locator(at).count(), f"nothing lights up in {part} of {notation}"
    expect(page.locator("output[name=role]")).to_have_text("standard normal draws behind z")


def test_what_others_call_so_is_answered_by_a_source_s_own_letter(quick: Path, page: Page) -> None:
    """What others call σ is R in Rezende, a standard deviation; and what others call θ is φ in Prince."""
    page.goto(f"{quick.as_uri()}#compare=rezende_2014,kingma_welling_2013&symbol=σ")
    own = page.locator(".found p", has_text="What others call σ, Rezende et al. 2014 calls")
    expect(own.locator("+ ul")).to_contain_text("a standard deviation")
    page.goto(f"{quick.as_uri()}#compare=kingma_welling_2013,prince_2023&symbol=θ")
    for source, letter in (("Kingma & Welling 2013", "𝝓"), ("Prince 2023", "𝝓")):
        own = page.locator(".found p", has_text=f"What others call θ, {source} calls")
        expect(own.locator("+ ul")).to_contain_text(letter)


def test_tab_reaches_a_symbol(quick: Path, page: Page) -> None:
    page.goto(quick.as_uri())
    page.locator("[name=letter]").focus()
    for _ in range(4):
        page.keyboard.press("Tab")
        if lit(page):
            break
    assert lit(page)


def test_an_implementation_is_copied_as_one_file(quick: Path, page: Page) -> None:
    page.add_init_script("navigator.clipboard.writeText = async (text) => { window.copied = text; };")
    page.goto(quick.as_uri())
    page.locator(".file:visible summary").first.click()
    page.locator(".copy:visible").first.click()
    expect(page.locator(".copy:visible").first).to_have_text("Copied")
    text = page.evaluate("window.copied")
    compile(text, "copied.py", "exec")
    assert "elbostone" not in re.sub(r"#.*|\"\"\".*?\"\"\"", "", text, flags=re.DOTALL)


def test_a_cell_opens_its_tensors(quick: Path, page: Page) -> None:
    page.goto(quick.as_uri())
    page.locator('.matrix [data-opens="kingma_welling_2013 torch"]').click()
    group = page.locator('[data-cells="kingma_welling_2013 torch"]')
    expect(group).to_have_attribute("open", "")
    group.locator(".open").first.click()
    terms = group.locator(".tensors td table tbody tr td:first-child").all_text_contents()
    assert terms.index("posterior_mean") < terms.index("latent") < terms.index("elbo") < terms.index("objective")
    group.locator(".open").first.click()
    expect(group.locator(".tensors")).to_have_count(0)


def test_an_excluded_cell_shows_where_it_parts(quick: Path, page: Page) -> None:
    """Index, both values, error, ulps and what was allowed; and the upstream link."""
    page.goto(quick.as_uri())
    reason = page.locator(".reasons li").first
    expect(reason.locator("a")).to_have_attribute("href", re.compile("^https://github.com/keras-team/keras/issues/"))
    numbers = re.compile(r"\w+\[[\d, ]+\]: \S+, expected \S+ \(\S+ = \S+ ulp; allowed \S+\)")
    expect(reason.locator(".numbers")).to_have_text(numbers)
    excluded = page.locator('[data-cells="kingma_welling_2013 keras-jax"]')
    excluded.evaluate("group => group.open = true")
    excluded.locator("tr", has_text="float64-as-shipped").locator(".open").first.click()
    expect(excluded.locator(".tensors p")).to_have_text(numbers)
    expect(excluded.locator(".reason").first).to_contain_text(numbers)
    expect(excluded.locator(".reason a").first).to_have_attribute("href", re.compile("^https://github.com/"))


def test_throughput_is_sorted_and_filtered(quick: Path, page: Page) -> None:
    page.goto(quick.as_uri())
    table = page.locator("#throughput .sortable").last
    speed = table.locator("thead th").all_text_contents().index("images/s")

    def speeds() -> list[float]:
        texts = table.locator(f"tbody tr:visible td:nth-child({speed + 1})").all_text_contents()
        return [float(text.replace(",", "")) for text in texts if text[:1].isdigit()]

    head = table.locator("thead th").nth(speed)
    head.locator("button").click()
    assert speeds() == sorted(speeds()) and head.get_attribute("aria-sort") == "ascending"
    head.locator("button").click()
    assert speeds() == sorted(speeds(), reverse=True)
    page.locator("#filter").fill("decoder keras-jax")
    rows = table.locator("tbody tr:visible").all_text_contents()
    assert rows and all("decoder" in row and "keras-jax" in row for row in rows)


def test_a_point_of_a_chart_says_its_figure(quick: Path, page: Page) -> None:
    page.goto(quick.as_uri())
    draw_charts(page)
    page.locator("#chart-throughput-digits-decoder-float32 .mark-symbol path").first.hover(force=True)
    tip = page.locator("#vg-tooltip-element")
    expect(tip).to_be_visible()
    expect(tip).to_contain_text("images_per_second")


def test_all_can_be_read_without_scripts(quick: Path, chromium: Browser) -> None:
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(quick.as_uri())
    assert page.locator(".equation").first.locator("figure:visible").count() == len(notations())
    assert page.locator(".symbols:visible").count() == len(notations())
    assert page.locator(".scripted:visible").count() == 0
    expect(page.locator(".verdict")).to_contain_text("0 differ")
    assert page.locator(".picture svg:visible").count() == page.locator(".picture").count() > 0
    page.locator('.matrix [data-opens="kingma_welling_2013 torch"]').click()
    assert "cells=" in page.url
    context.close()


def test_letters_differ_as_they_do_in_print(quick: Path, page: Page) -> None:
    """Bold and plain θ, typewriter and italic words: Chromium draws none of them by `mathvariant`."""
    page.goto(quick.as_uri())
    page.wait_for_function("document.fonts.ready.then(() => true)")
    assert page.evaluate("document.fonts.check('16px \"Elbostone Math\"', 'θ')")
    width = """body => { const at = document.createElement('div'); at.innerHTML = `<math>${body}</math>`;
        document.body.append(at); const found = at.firstChild.getBoundingClientRect().width; at.remove();
        return found; }"""
    for one, other in (
        ("<mi>𝜽</mi>", "<mi>θ</mi>"),
        ("<mi>𝚏</mi><mi>𝚌</mi><mn>𝟷</mn>", "<mi>f</mi><mi>c</mi><mn>1</mn>"),
    ):
        assert page.evaluate(width, one) != page.evaluate(width, other)
    assert page.locator("mi", has_text="𝜽").count() and page.locator("mi", has_text="𝚖").count()
