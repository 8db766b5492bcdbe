"""Charts of throughput: images per second, cold start, and the speed-up of each recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from .charts import TEXT, Drawn, Rows, data

FIELDS = ("notation", "backend", "mode", "rung", "dtype", "batch", "images_per_second", "lower", "upper")
MARKS = "Dashed: the roofline. A line through a point: its interval. Hollow: not stable."
WORDS = {True: "stable", False: "not stable"}
SPEED = alt.Scale(type="log", nice=False, padding=12)
COLOURS = {
    "torch": "#4c78a8",
    "keras-torch": "#72b7b2",
    "keras-jax": "#f58518",
    "jax": "#e3ba22",
    "keras-tensorflow": "#e45756",
    "tensorflow": "#b279a2",
}
"""Backend, or another library's framework → its colour in every chart."""
OTHER = "#8a8a8a"
_SECOND_LINE = ", of "
"""Where the label of a cell is broken."""
LEGEND = alt.Legend(symbolOpacity=1, symbolType="stroke", symbolStrokeWidth=4)


def throughput(rows: Rows) -> Drawn:
    """Images per second with intervals and the roofline: against the batch, or, of one batch, a line for each cell.

    Args:
        rows: of throughput.parquet with a figure, of one workload, stage and dtype.
    """
    batches = sorted({row["batch"] for row in rows})
    return _by_cell(rows) if len(batches) == 1 else _by_batch(rows, batches)


def _by_batch(rows: Rows, batches: list[int]) -> Drawn:
    axis = alt.Axis(values=batches, format=",d")
    x = alt.X("batch:Q", scale=alt.Scale(type="log", nice=False, padding=30), axis=axis)
    y = alt.Y("images_per_second:Q", title="images per second", scale=SPEED, axis=alt.Axis(format="~s"))
    base = alt.Chart(_speeds(rows), width=390, height=300).encode(x=x, color=_backend(rows, LEGEND))
    lines = base.mark_line(opacity=0.35).encode(y=y, detail=["notation:N", "mode:N", "rung:N"])
    spans = base.mark_rule(opacity=0.6).encode(y=alt.Y("lower:Q"), y2="upper:Q")
    points = _points(base, rows, LEGEND).encode(y=y, shape="mode:N")
    roofs = {row["batch"]: row["images_per_second"] / row["roof_share"] for row in rows if row["roof_share"]}
    own = data([{"batch": batch, "roofline": roof} for batch, roof in sorted(roofs.items())])
    roof = alt.Chart(own).mark_line(strokeDash=[6, 4], color=TEXT).encode(x=x, y=alt.Y("roofline:Q"))
    return alt.layer(lines, spans, points, *([roof] if roofs else []))


def _by_cell(rows: Rows) -> Drawn:
    """Cells with the quickest first; their labels have a second line for the notation where there are several."""
    x = alt.X("images_per_second:Q", title="images per second", scale=SPEED, axis=alt.Axis(format="~s", tickCount=4))
    quickest = sorted(rows, key=lambda row: -float(row["images_per_second"]))
    order = list(dict.fromkeys(_cell(row) for row in quickest))
    axis = alt.Axis(labelLimit=220, labelExpr=f"split(datum.label, '{_SECOND_LINE}')")
    y = alt.Y("cell:N", title=None, sort=order, axis=axis)
    base = alt.Chart(_speeds(rows), width=280, height=30 * len(order)).encode(color=_backend(rows, None))
    spans = base.mark_rule(opacity=0.6).encode(y=y, x=alt.X("lower:Q"), x2="upper:Q")
    points = _points(base, rows, None).encode(x=x, y=y)
    roofs = [row["images_per_second"] / row["roof_share"] for row in rows if row["roof_share"]]
    own = data([{"roofline": max(roofs, default=0)}])
    roof = alt.Chart(own).mark_rule(strokeDash=[6, 4], color=TEXT).encode(x=alt.X("roofline:Q"))
    return alt.layer(spans, points, *([roof] if roofs else []))


def _speeds(rows: Rows) -> alt.Data:
    found = [{f: row[f] for f in FIELDS} | {"stable": WORDS[row["stable"]], "cell": _cell(row)} for row in rows]
    return data(found)


def _way(row: Mapping[str, Any]) -> str:
    """Backend, mode and optimisation step of a row; for another library its name and variant."""
    parts = ("notation", "rung") if row["mode"] == "peer" else ("backend", "mode", "rung")
    return ", ".join(str(row[name]) for name in parts if row[name])


def _cell(row: Mapping[str, Any]) -> str:
    return _way(row) if row["mode"] == "peer" else f"{_way(row)}{_SECOND_LINE}{row['notation']}"


def _scale(rows: Rows) -> alt.Scale:
    present = list(dict.fromkeys(row["backend"] for row in rows))
    backends = sorted(present, key=lambda name: [*COLOURS, name].index(name))
    return alt.Scale(domain=backends, range=[COLOURS.get(name, OTHER) for name in backends])


def _backend(rows: Rows, legend: alt.Legend | None) -> alt.Color:
    return alt.Color("backend:N", scale=_scale(rows), legend=legend)


def _points(base: alt.Chart, rows: Rows, legend: alt.Legend | None) -> alt.Chart:
    """Points with the fields of their rows as tooltips; hollow where a figure is not stable."""
    hover = [alt.Tooltip(f"{field}:N") for field in (*FIELDS[:6], "stable")]
    hover += [alt.Tooltip(f"{field}:Q", format=",.4s") for field in FIELDS[6:]]
    hollow = alt.condition("datum.stable == 'stable'", alt.value(0.85), alt.value(0.0))
    drawn: alt.Chart = base.mark_point(size=55).encode(
        fill=alt.Fill("backend:N", scale=_scale(rows), legend=legend), fillOpacity=hollow, tooltip=hover
    )
    return drawn


def cold_start(rows: Rows) -> Drawn:
    """Seconds until the first result: a line for each backend and mode, a point for each stage and notation.

    Args:
        rows: of throughput.parquet with a first call, of one workload, batch and dtype.
    """
    found = [{f: row[f] for f in (*FIELDS[:4], "stage", "first_call_s")} | {"cell": _way(row)} for row in rows]
    order = sorted({row["cell"] for row in found})
    legend = alt.Legend(columns=1)
    drawn: alt.Chart = (
        alt.Chart(data(found), width=420, height=18 * len(order))
        .mark_point(size=50, filled=True, opacity=0.8)
        .encode(
            x=alt.X("first_call_s:Q", title="seconds", scale=SPEED, axis=alt.Axis(format="~g", tickCount=4)),
            y=alt.Y("cell:N", title=None, sort=order, axis=alt.Axis(labelLimit=220)),
            color=alt.Color("stage:N", scale=alt.Scale(range=[*COLOURS.values()]), legend=legend),
            shape=alt.Shape("stage:N", legend=legend),
            tooltip=[alt.Tooltip(f"{f}:N") for f in ("cell", "stage", "notation")]
            + [alt.Tooltip("first_call_s:Q", format=".3g")],
        )
    )
    return drawn


def recipes(rows: Rows) -> Drawn:
    """The additional speed-up of each recipe, as a waterfall; pale where a figure is not stable.

    Args:
        rows: recipe, stable, and the multiple of eager's images per second before and after; of one stage and backend.
    """
    found = [{**row, "stable": WORDS[row["stable"]]} for row in rows]
    solid = alt.condition("datum.stable == 'stable'", alt.value(0.85), alt.value(0.25))
    bars = alt.Chart(data(found), height=22 * len(rows), width=230).mark_bar()
    drawn: alt.Chart = bars.encode(
        x=alt.X("before:Q", title="× eager", scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5)),
        x2="after:Q",
        y=alt.Y("recipe:N", title=None, sort=[row["recipe"] for row in rows]),
        opacity=solid,
        color=alt.condition("datum.after > datum.before", alt.value("#4c78a8"), alt.value("#e45756")),
        tooltip=[alt.Tooltip("recipe:N"), alt.Tooltip("stable:N")]
        + [alt.Tooltip(f"{field}:Q", format=".3g") for field in ("before", "after")],
    )
    return drawn
