"""The section of θ: which weights each density reads, when the joint holds, and the four readings of the subscript."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import altair as alt

from ..report.tables import read_rows
from ..theta.cases import cases
from ..theta.judge.small_models import NOTHING
from .charts import SMALL, TEXT, Chart, Drawn, Rows, chart, data

GRADIENTS = "norm of the gradient of each log density by each weight"
RESIDUAL = "log p(x|z) + log p(z) − log p(x) − log p(z|x), with one factor at another θ"
CHANGES = "what the change of the latent z = As + m moves"
FLOOR_NATS = 1e-17
"""The position of an exact 0 on a logarithmic axis."""
_BELOW = alt.Legend(columns=1)
_EXPECTED = {True: "no: the joint must hold", False: "yes: the joint must break"}
"""Whether a factor ignores the exchanged weights → the expected result."""
TABLES = ("dependency", "joint", "absorption", "statements", "readings")


@dataclass(frozen=True)
class Section:
    """The results of a run of `elbostone theta`.

    Attributes:
        maps: a heat map per model.
        joint: the residual of the joint with one factor at another θ, a chart per model.
        absorption: the changes where the prior is absorbed into the decoder, a chart per model.
        statements: sentences with their verdicts, by topic.
        readings: the readings of a subscript, and their results.
        zeros, derivatives: the number of derivatives that are exactly zero, and the number of all.
    """

    maps: list[Chart]
    joint: list[Chart]
    absorption: list[Chart]
    statements: dict[str, list[dict[str, Any]]]
    readings: list[dict[str, Any]]
    zeros: int
    derivatives: int

    @property
    def charts(self) -> list[Chart]:
        return [*self.maps, *self.joint, *self.absorption]


def section(folder: Path) -> Section | None:
    """The section from the tables of a run folder; None where it has none of θ.

    Raises:
        BadInput: the folder has some of the tables, and lacks others.
    """
    if not (folder / f"theta_{TABLES[0]}.parquet").exists():
        return None
    dependencies, joint, absorption, statements, readings = (
        read_rows(folder / f"theta_{name}.parquet") for name in TABLES
    )
    titles = {case.name: case.title for case in cases()}

    def drawn(draw: Callable[[Rows], Drawn], name: str, says: str, rows: Rows) -> list[Chart]:
        models: dict[str, list[Mapping[str, Any]]] = {}
        for row in rows:
            models.setdefault(row["case"], []).append(row)
        return [chart(f"{name}-{m}", f"{titles.get(m, m)}: {says}", draw(own)) for m, own in models.items()]

    topics: dict[str, list[dict[str, Any]]] = {}
    for statement in statements:
        topics.setdefault(statement["topic"], []).append(statement)
    return Section(
        drawn(_dependency, "dependency", GRADIENTS, dependencies),
        drawn(_joint, "joint", RESIDUAL, joint),
        drawn(_absorption, "absorption", CHANGES, absorption),
        topics,
        readings,
        sum(row["norm_reference"] == 0 for row in dependencies),
        len(dependencies),
    )


def _dependency(rows: Rows) -> Drawn:
    """Which weights each density reads: the norm of a gradient by density and weight; an exact zero has no colour.

    Args:
        rows: of theta_dependency.parquet, of one case.
    """
    found = [
        {"density": row["row"], "weight": row["weight"], "norm": row["norm_reference"]}
        | {"label": _short(row["norm_reference"])}
        for row in rows
    ]
    own = data(found)
    densities, weights = (list(dict.fromkeys(row[name] for row in found)) for name in ("density", "weight"))
    base = alt.Chart(own, width=42 * len(densities), height=22 * len(weights)).encode(
        x=alt.X("density:N", title=None, sort=densities, axis=alt.Axis(labelAngle=-40)),
        y=alt.Y("weight:N", title=None, sort=weights, axis=alt.Axis(labelLimit=160)),
        tooltip=[alt.Tooltip("density:N"), alt.Tooltip("weight:N"), alt.Tooltip("norm:Q", format=".6g")],
    )
    colour = alt.Color("norm:Q", scale=alt.Scale(type="log", scheme="viridis"), legend=None)
    read, zero = "datum.norm > 0", "datum.norm == 0"
    tiles = base.transform_filter(read).mark_rect().encode(color=colour)
    halves = [row["norm"] for row in found if row["norm"]]
    dark = f"datum.norm < {(min(halves) * max(halves)) ** 0.5!r}" if halves else "false"
    ink = alt.condition(dark, alt.value("white"), alt.value("black"))
    numbers = base.transform_filter(read).mark_text(fontSize=SMALL).encode(text="label:N", color=ink)
    zeros = base.transform_filter(zero).mark_text(fontSize=SMALL, opacity=0.6, color=TEXT).encode(text="label:N")
    drawn: Drawn = tiles + numbers + zeros
    return drawn


def _short(norm: float) -> str:
    """Two digits without the zero before the point, for which a phone has no room; 0 of an exact zero alone."""
    return f"{norm:.2g}".removeprefix("0") if norm else "0"


def _joint(rows: Rows) -> Drawn:
    """The residual of the joint in nats, with one factor at another θ: a line per exchange.

    Args:
        rows: of theta_joint.parquet, of one case.
    """
    found = [
        {"exchange": _exchange(row), "nats": max(row["residual_nats_reference"], FLOOR_NATS)}
        | {"residual": row["residual_nats_reference"], "factor reads it": _EXPECTED[bool(row["ignored"])]}
        for row in rows
    ]
    words = list(_EXPECTED.values())
    drawn: Drawn = _lines(found, "exchange", "nats", "factor reads it", words).encode(
        tooltip=[alt.Tooltip("exchange:N"), alt.Tooltip("residual:Q", format=".3g")],
    )
    return drawn


def _absorption(rows: Rows) -> Drawn:
    """The change of each density where the prior is absorbed into the decoder; an unchanged one has rounding errors.

    Args:
        rows: of theta_absorption.parquet, of one case.
    """
    words = ["unchanged", "changed by log|det A|"]
    found = [
        {"row": row["row"], "before": row["before_nats"], "after": row["after_nats"]}
        | {"change, nats": max(abs(row["before_nats"] - row["after_nats"]), FLOOR_NATS)}
        | {"absorption": words[0] if row["stays"] else words[1]}
        for row in rows
    ]
    drawn: Drawn = _lines(found, "row", "change, nats", "absorption", words).encode(
        tooltip=[alt.Tooltip("row:N"), *(alt.Tooltip(f"{side}:Q", format=".12g") for side in ("before", "after"))],
    )
    return drawn


def _lines(found: Rows, line: str, figure: str, colour: str, words: list[str]) -> alt.Chart:
    """A point per line on a logarithmic axis, blue circles for the first of two words and red squares for the other."""
    x = alt.X(f"{figure}:Q", scale=alt.Scale(type="log"), axis=alt.Axis(format=".0e", tickCount=4))
    lines = list(dict.fromkeys(row[line] for row in found))
    y = alt.Y(f"{line}:N", title=None, sort=lines)
    points = alt.Chart(data(found), width=230, height=18 * len(lines)).mark_point(filled=True, size=60, opacity=0.9)
    drawn: alt.Chart = points.encode(
        x=x,
        y=y,
        color=alt.Color(f"{colour}:N", scale=alt.Scale(domain=words, range=["#4c78a8", "#e45756"]), legend=_BELOW),
        shape=alt.Shape(f"{colour}:N", scale=alt.Scale(domain=words, range=["circle", "square"]), legend=_BELOW),
    )
    return drawn


def _exchange(row: Mapping[str, Any]) -> str:
    if row["factor"] == NOTHING:
        return "one θ throughout"
    return f"{row['factor']}: {'all of θ' if row['exchanged'] == 'all' else row['exchanged']}"
