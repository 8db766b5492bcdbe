"""Charts of θ: which weights each density reads, when the joint falls apart, and what absorption leaves as it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from ..theta.judge.small_models import NOTHING
from .charts import SMALL, TEXT, Chart, Rows, chart, data

FLOOR_NATS = 1e-17
"""Where a number that is exactly 0 is drawn on a logarithmic axis."""
_BELOW = alt.Legend(columns=1)
_EXPECTED = {True: "no: the joint must hold", False: "yes: the joint must break"}
"""Whether a factor ignores what was exchanged → what follows."""


def dependency(name: str, title: str, rows: Rows) -> Chart:
    """Which weights each density reads: the norm of a gradient by density and weight; an exact zero has no colour.

    Args:
        name: of the chart.
        title: of the chart.
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
    return chart(name, title, tiles + numbers + zeros)


def _short(norm: float) -> str:
    """Two digits without the zero before the point, for which a phone has no room; 0 of an exact zero alone."""
    return f"{norm:.2g}".removeprefix("0") if norm else "0"


def joint(name: str, title: str, rows: Rows) -> Chart:
    """The residual of the joint in nats, with one factor at another θ: a line per exchange.

    Args:
        name: of the chart.
        title: of the chart.
        rows: of theta_joint.parquet, of one case.
    """
    found = [
        {"exchange": _exchange(row), "nats": max(row["residual_nats_reference"], FLOOR_NATS)}
        | {"residual": row["residual_nats_reference"], "factor reads it": _EXPECTED[bool(row["ignored"])]}
        for row in rows
    ]
    words = list(_EXPECTED.values())
    drawn = _lines(found, "exchange", "nats", "factor reads it", words).encode(
        tooltip=[alt.Tooltip("exchange:N"), alt.Tooltip("residual:Q", format=".3g")],
    )
    return chart(name, title, drawn)


def absorption(name: str, title: str, rows: Rows) -> Chart:
    """How far each density moves when the prior is absorbed into the decoder: what stays lies at rounding.

    Args:
        name: of the chart.
        title: of the chart.
        rows: of theta_absorption.parquet, of one case.
    """
    words = ["unchanged", "changed by log|det A|"]
    found = [
        {"row": row["row"], "before": row["before_nats"], "after": row["after_nats"]}
        | {"change, nats": max(abs(row["before_nats"] - row["after_nats"]), FLOOR_NATS)}
        | {"absorption": words[0] if row["stays"] else words[1]}
        for row in rows
    ]
    drawn = _lines(found, "row", "change, nats", "absorption", words).encode(
        tooltip=[alt.Tooltip("row:N"), *(alt.Tooltip(f"{side}:Q", format=".12g") for side in ("before", "after"))],
    )
    return chart(name, title, drawn)


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
