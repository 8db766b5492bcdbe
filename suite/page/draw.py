"""index.html of a run: one page that needs no network."""

from __future__ import annotations

import base64
import gzip
import json
import shlex
import shutil
from dataclasses import dataclass
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ..notations.registry import notations
from ..notations.roles import ROLES, family
from ..notations.schema import KNOWN
from ..reference.files import write_text
from ..report.style import style
from ..report.tables import FAILING, rows_if_any
from ..timing.tables import BEST_SHOWN, SHOWN
from ..workers.run_folder import RunFolder
from . import charts, equality, explained, first_screen, rosetta, theta, throughput, training
from .sources import style_sheet
from .words import FILTERS, cited

PAGE = "index.html"
SCRIPTS = ("page.js", "rosetta.js", "tables.js")
"""The files of the page's script, by section."""


@dataclass(frozen=True)
class Runs:
    """The runs of a page.

    Attributes:
        main: the run whose verdict, cells and claims are shown.
        theta: a run of `elbostone theta`; the main one where none is named.
        throughput: a run whose timings are shown; the main one where none is named.
        training: a run of `elbostone train`; the main one where none is named.
    """

    main: RunFolder
    theta: Path | None = None
    throughput: Path | None = None
    training: Path | None = None


@dataclass(frozen=True)
class Page:
    """A page as HTML, and its charts."""

    html: str
    charts: list[charts.Chart]


def draw(runs: Runs, folder: Path | None = None) -> Path:
    """Write index.html in the main run's folder, or in another one with each chart as SVG and PNG in its `figures`.

    Returns:
        the page's path.

    Raises:
        BadInput: a run has no settings, or a table that cannot be read.
    """
    drawn = page(runs)
    if folder is not None:
        figures = folder / "figures"
        shutil.rmtree(figures, ignore_errors=True)
        figures.mkdir(parents=True)
        for each in drawn.charts:
            write_text(figures / f"{each.name}.svg", each.picture())
            (figures / f"{each.name}.png").write_bytes(each.png())
    path = (folder or runs.main.path) / PAGE
    write_text(path, drawn.html)
    return path


def page(runs: Runs) -> Page:
    """The page of a run.

    It depends on the runs' tables and on the installed notations alone: the same of both give the same page.
    """
    settings = runs.main.settings()
    rows, claims = (rows_if_any(runs.main.path / f"{name}.parquet") for name in ("equivalence", "claims"))
    timed = RunFolder(runs.throughput) if runs.throughput else runs.main
    speeds = throughput.section(rows_if_any(timed.path / "throughput.parquet"), timed.settings())
    sources = list(notations().values())
    backends, matrix = equality.matrix(rows)
    found = theta.section(runs.theta or runs.main.path)
    curves = training.section(runs.training or runs.main.path)
    drawn = [*(found.charts if found else []), *speeds.charts, *(curves.charts if curves else [])]
    scripted = {
        "tensors": equality.tensors(rows),
        "files": rosetta.copies(sources),
        "charts": {each.name: each.specification for each in drawn},
    }
    template = _environment().get_template("page.html")
    html = template.render(
        style=Markup(style() + style_sheet()),
        script=Markup("\n".join(map(_asset, SCRIPTS))),
        font=_font(),
        data=_packed(scripted),
        sources=sources,
        names={notation.id: cited(notation) for notation in sources},
        strips=list(map(first_screen.strip, sources)),
        verdict=first_screen.verdict(rows, claims),
        facts=first_screen.facts(settings),
        commands=_commands(runs),
        formulas=rosetta.formulas(sources),
        meanings=rosetta.meanings(sources, claims),
        code={notation.id: rosetta.files(notation) for notation in sources},
        roles={role.name: {"meaning": role.meaning, "family": family(role.name)} for role in ROLES.values()},
        known=KNOWN,
        backends=backends,
        matrix=matrix,
        reasons={word: equality.reasons(rows, word) for word in ("excluded", "unsupported")},
        throughput=speeds,
        timed_elsewhere=timed is not runs.main,
        columns=(BEST_SHOWN, SHOWN),
        theta=found,
        explained=explained.section(),
        training=curves,
        untrained=[cited(notation) for notation in sources if not training.takes_part(notation)],
        vega=Markup(charts.bundle() if drawn else ""),
        charts_script=Markup(_asset("charts.js")),
        marks=equality.MARKS,
        failing=FAILING,
    )
    return Page(html, drawn)


def _commands(runs: Runs) -> dict[str, str]:
    """Part of the page → the command that made it, as it was typed."""
    of = {"cells": runs.main.path, "timings": runs.throughput, "θ": runs.theta, "training": runs.training}
    typed = {what: RunFolder(path).settings().command for what, path in of.items() if path}
    return {what: shlex.join(command) for what, command in typed.items() if command}


def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("elbostone.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= FILTERS
    return found


def _asset(name: str) -> str:
    return (resources("elbostone.page") / "assets" / name).read_text(encoding="utf-8")


def _font() -> str:
    """The math font as a data address."""
    data = (resources("elbostone.page") / "assets" / "math.woff2").read_bytes()
    return f"data:font/woff2;base64,{base64.b64encode(data).decode()}"


def _packed(document: Any) -> str:
    """A document for the scripts alone: JSON, gzipped without a date, in base64."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
