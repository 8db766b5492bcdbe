"""What is drawn of a run, without a browser: what it says, what it escapes, and that it needs nothing else."""

import base64
import gzip
import html
import io
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from fontTools.ttLib import TTFont
from page.opened import FULL, QUICK, REPORTS, THETA, TRAINING, copied
from page.planted import HOSTILE, hostile
from typer.testing import CliRunner

from elbostone.cli import app
from elbostone.notations.registry import notations
from elbostone.page import draw as drawing
from elbostone.page.draw import Runs, draw, page
from elbostone.reference.errors import BadInput, EnvironmentLacks
from elbostone.report.tables import frame, read_rows, write_table
from elbostone.training.tables import panels

pytestmark = pytest.mark.page
MEBIBYTE = 2**20
MOST_BYTES = 5_000_000


class Elements(HTMLParser):
    """Every element's name and attributes, and the text of each."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append((self.found[-1][0] if self.found else "", data))


def test_one_file_without_a_network(quick: Path) -> None:
    text = quick.read_text(encoding="utf-8")
    assert len(text.encode()) < MOST_BYTES
    for name, attributes in Elements(text).found:
        assert name not in ("link", "img", "iframe", "object")
        assert "src" not in attributes and not any(key.startswith("on") for key in attributes)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None and not re.search(r"url\((?!data:)|@import", style[1])
    assert "default-src 'none'" in text, "the browser itself refuses every request"


def test_twice_the_same_bytes(quick: Path) -> None:
    before = quick.read_bytes()
    assert draw(Runs(drawing.RunFolder(quick.parent), THETA, training=TRAINING)).read_bytes() == before


def test_first_screen_says_what_was_found(quick: Path) -> None:
    text = quick.read_text(encoding="utf-8")
    rows = read_rows(quick.parent / "equivalence.parquet")
    cells = {tuple(row[name] for name in ("problem", "notation", "backend", "dtype", "mode")) for row in rows}
    excluded = {
        tuple(row[name] for name in ("problem", "notation", "backend", "dtype", "mode"))
        for row in rows
        if row["verdict"] == "excluded"
    }
    assert "Yes, in every cell that can be compared" in text and "0 differ" in text
    assert f"{len(excluded)} excluded" in text
    assert len(re.findall(r'data-cell="\d+"', text)) == sum(1 for _ in cells) - text.count('<td class="n">0</td>')


def test_every_equation_of_every_notation_is_typeset(quick: Path) -> None:
    text = quick.read_text(encoding="utf-8")
    assert text.count('<div class="math"><math>') == 15 * len(notations())
    bodies = re.findall(r"<math>.*?</math>", text, re.DOTALL)
    assert not [body for body in bodies if "\\" in body or re.search(r"&(?!amp;|lt;|gt;|#)", body)]
    assert {style for body in bodies for style in re.findall(r'mathvariant="([^"]*)"', body)} == {"normal"}


def test_the_font_has_every_letter_of_the_equations(quick: Path) -> None:
    font = TTFont(io.BytesIO((files("elbostone.page") / "assets" / "math.woff2").read_bytes()))
    assert "MATH" in font, "without it, brackets do not grow"
    bodies = re.findall(r"<math>.*?</math>", quick.read_text(encoding="utf-8"), re.DOTALL)
    letters = {letter for body in bodies for letter in re.sub(r"<[^>]*>|&\w+;", "", body)}
    assert not {letter for letter in letters if ord(letter) not in font.getBestCmap()} - set(" \n")


def test_a_cell_that_differs_is_said_first(tmp_path: Path) -> None:
    run = copied(tmp_path / "run")
    rows = read_rows(run.path / "equivalence.parquet")
    row = next(row for row in rows if row["term"] == "kl")
    row |= {"verdict": "differs", "first_divergence": "kl: off by 3", "worst_error": 3.0}
    write_table(frame(rows, tuple(rows[0])), run.path / "equivalence")
    text = page(Runs(run)).html
    assert "Not everywhere" in text and "1 differs" in text and "kl: off by 3" in text
    assert "in every cell that can be compared" not in text


@pytest.mark.parametrize("kept", [("run.json",), ("run.json", "throughput.parquet"), ("run.json", "claims.parquet")])
def test_a_run_without_cells_says_so(tmp_path: Path, kept: tuple[str, ...]) -> None:
    text = page(Runs(copied(tmp_path / "run", *kept))).html
    assert "Nothing was compared" in text and "This run compared nothing" in text
    assert ("This run timed nothing" in text) is ("throughput.parquet" not in kept)


def test_theta_is_drawn_where_it_was_computed(tmp_path: Path) -> None:
    """What a run of θ found stands on the page: every statement, every reading, and every zero without a colour."""
    run = copied(tmp_path / "run")
    assert "This page has no tables of θ" in page(Runs(run)).html
    drawn = page(Runs(run, THETA))
    text = html.unescape(drawn.html)
    rows = read_rows(THETA / "theta_dependency.parquet")
    zeros = [row for row in rows if row["norm_reference"] == 0]
    assert f"{len(zeros)} of {len(rows)} derivatives are exactly zero" in text
    statements = read_rows(THETA / "theta_statements.parquet")
    shown = [row for row in statements if row["topic"] in ("R1", "R2", "R3", "R4", "absorption")]
    assert len(shown) > 10 and all(row["sentence"] in text for row in shown)
    assert all(row["meaning"] in text for row in read_rows(THETA / "theta_readings.parquet"))
    maps = [chart for chart in drawn.charts if chart.name.startswith("dependency-")]
    assert sum(len(re.findall(r"<text[^>]*>0</text>", chart.svg)) for chart in maps) == len(zeros)


def test_trainings_are_drawn_where_they_were_made(tmp_path: Path) -> None:
    """Every model and bound has its verdict and how far its curves are apart; one planted curve is said to be off."""
    run = copied(tmp_path / "run", "run.json")
    assert "This page has no trainings" in page(Runs(run)).html
    text = page(Runs(run, training=TRAINING)).html
    rows = read_rows(TRAINING / "training.parquet")
    found = panels(rows)
    assert "The curves coincide." in text and len(found) == 4
    furthest = max(panel["apart_nats"] for panel in found)
    assert f"<strong>{furthest:.3g} nats</strong>" in text and furthest < 1e-12
    assert f"{sum(panel['curves'] for panel in found)} trainings" in text
    planted = tmp_path / "planted"
    shutil.copytree(TRAINING, planted)
    for row in rows:
        if (row["notation"], row["backend"]) == ("keras_io", "torch"):
            row |= {"verdict": "differs", "bound_nats": row["bound_nats"] - 0.5, "distance_nats": 0.5}
    write_table(frame(rows, tuple(rows[0])), planted / "training")
    text = page(Runs(run, training=planted)).html
    assert "Not all curves coincide." in text and "0.5 nats" in text


@pytest.mark.parametrize(("option", "table"), [("theta", "theta_dependency"), ("training", "training")])
def test_a_folder_without_the_tables_is_refused(option: str, table: str, tmp_path: Path) -> None:
    run = copied(tmp_path / "run")
    done = CliRunner().invoke(app, ["report", str(run.path), f"--{option}", str(tmp_path)])
    assert isinstance(done.exception, BadInput) and f"{table}.parquet" in str(done.exception)


def test_a_weak_proof_is_called_so(tmp_path: Path) -> None:
    """What errors the proofs find stands in words, and the slowest timing is named."""
    text = html.unescape(page(Runs(copied(tmp_path / "run", "run.json"), throughput=FULL)).html)
    rows = [row for row in read_rows(FULL / "throughput.parquet") if row["images_per_second"] is not None]
    half = [row["detects"] for row in rows if row["dtype"] == "bfloat16"]
    assert f"<strong>a weak proof.</strong> {100 * min(half):.3g} % to {100 * max(half):.3g} %" in text
    assert text.count("a weak proof") == 1, "float32 has a good one"
    slowest = min(row["images_per_second"] for row in rows)
    assert f": {slowest:,.0f} images per second" in text.partition("The slowest")[2].partition("</div>")[0]


def packed(text: str) -> dict[str, Any]:
    """What only scripts read."""
    found = re.search(r'<script id="data"[^>]*>(.*?)</script>', text, re.DOTALL)
    assert found is not None
    document: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(found[1])))
    return document


def points_of(chart: dict[str, Any]) -> list[dict[str, Any]]:
    """The timings among a chart's data, which its layers share."""
    data = chart.get("data") or next(layer["data"] for layer in chart["layer"] if "data" in layer)
    return [values for values in data["values"] if "images_per_second" in values]


def test_charts_say_what_the_table_says(quick: Path) -> None:
    """Each figure of the table is a point of one chart, hollow where it is not stable."""
    rows = [row for row in read_rows(quick.parent / "throughput.parquet") if row["images_per_second"] is not None]
    text = quick.read_text(encoding="utf-8")
    charts = packed(text)["charts"]
    points = [point for name, chart in charts.items() if "throughput" in name for point in points_of(chart)]
    assert sorted(p["images_per_second"] for p in points) == sorted(r["images_per_second"] for r in rows)
    assert sum(p["stable"] == "not stable" for p in points) == sum(not r["stable"] for r in rows) > 0


def test_a_picture_is_no_wider_than_its_chart(tmp_path: Path) -> None:
    """Its title has as many lines as it needs, and the marks of a timing are explained below it."""
    drawn = page(Runs(copied(tmp_path / "run"), THETA, training=TRAINING)).charts
    for chart in [
        max(drawn, key=lambda chart: len(chart.title)),
        *(c for c in drawn if c.name.startswith("throughput")),
    ]:
        picture, alone = (
            float(re.findall(r'<svg[^>]* width="([0-9.]+)"', svg)[0]) for svg in (chart.svg, chart.picture())
        )
        assert alone <= picture + 12, chart.name
        assert ("Dashed: the roofline" in chart.picture()) is chart.name.startswith("throughput")


def test_report_draws_the_page_and_says_where(tmp_path: Path) -> None:
    run = copied(tmp_path / "run")
    done = subprocess.run(
        [sys.executable, "-m", "elbostone", "report", str(run.path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "index.html" in "".join(done.stderr.split()) and (run.path / "index.html").stat().st_size > MEBIBYTE


def test_without_the_extra_a_report_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elbostone.page.extra.find_spec", lambda name: None if name == "altair" else object())
    run = copied(tmp_path / "run")
    done = CliRunner().invoke(app, ["report", str(run.path)])
    assert done.exit_code == 0 and not (run.path / "index.html").exists()
    assert "index.html needs altair: pip install 'elbostone[page]'" in " ".join(done.stderr.split())
    opened = CliRunner().invoke(app, ["report", str(run.path), "--open"])
    assert isinstance(opened.exception, EnvironmentLacks), "exit code 3"


def test_hostile_strings_are_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "notations", hostile)
    monkeypatch.setattr(drawing.rosetta, "copies", lambda sources: {})
    run = copied(tmp_path / "run")
    rows = read_rows(run.path / "equivalence.parquet")
    for row in rows[:3]:
        row["reason"] = f"{HOSTILE} https://example.org/{HOSTILE}"
    write_table(frame(rows, tuple(rows[0])), run.path / "equivalence")
    text = page(Runs(run)).html
    assert "<script>alert" not in text
    assert len([name for name, _ in Elements(text).found if name == "script"]) == 5
    assert "&lt;script&gt;alert" in text


def test_the_committed_page_is_of_the_committed_runs() -> None:
    """Made by the command in reports/committed/README.md; where this fails, it is to be made anew by that."""
    text = (REPORTS / "index.html").read_text(encoding="utf-8")
    assert len(text.encode()) < MOST_BYTES
    drawn = page(Runs(drawing.RunFolder(QUICK), THETA, FULL, TRAINING))
    was, now = packed(text), packed(drawn.html)
    assert was["tensors"] == now["tensors"]
    assert was["charts"] == now["charts"]
    verdict = r'<p class="verdict.*?</p>'
    assert re.findall(verdict, text) == re.findall(verdict, drawn.html)
    names = {f"{chart.name}.{suffix}" for chart in drawn.charts for suffix in ("svg", "png")}
    assert {path.name for path in (REPORTS / "figures").iterdir()} == names
