"""Charts of training: bounds against the epoch, how far they are apart, images, and the latent map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from .charts import TEXT, Chart, Rows, chart, data
from .speed_charts import COLOURS

DISTANCE_FLOOR_NATS = 1e-16
"""Where two bounds that are the same number are drawn on a logarithmic axis."""
REFERENCE_BACKEND = "numpy"
WIDTH, HEIGHT = 270, 200
EPOCH = alt.X("epoch:Q", axis=alt.Axis(tickMinStep=1))
PIXEL = 4
LINES = alt.Legend(title=None, symbolOpacity=1, symbolType="stroke", symbolStrokeWidth=4)
DIGITS = ["#4c78a8", "#f58518", "#e45756", "#72b7b2", "#54a24b", "#b09a00", "#b279a2", "#e0749b", "#9d755d", "#8a8a8a"]


def bounds(name: str, title: str, rows: Rows) -> Chart:
    """The bound against the epoch: a wide line for the reference, and on it a thin one for each implementation.

    Args:
        name: of the chart.
        title: of the chart.
        rows: of training.parquet, of one model and bound.
    """
    own = [_kept(row, "bound_nats") for row in rows if row["backend"] != REFERENCE_BACKEND]
    reference = data([_kept(row, "bound_nats") for row in rows if row["backend"] == REFERENCE_BACKEND])
    base = alt.Chart(reference, width=WIDTH, height=HEIGHT).encode(
        x=EPOCH, y=alt.Y("bound_nats:Q", title="nats an image", scale=alt.Scale(zero=False))
    )
    wide = base.mark_line(strokeWidth=9, opacity=0.22, color=TEXT)
    thin = base.properties(data=data(own)).mark_line(strokeWidth=1.2).encode(detail="notation:N", color=_backend(own))
    hover = [alt.Tooltip("epoch:Q"), alt.Tooltip("bound_nats:Q", title="reference, nats", format=".12g")]
    points = base.mark_point(size=60, filled=True, opacity=0).encode(tooltip=hover)
    return chart(name, title, wide + thin + points)


def distances(name: str, title: str, rows: Rows) -> Chart:
    """How far the curves are from the reference's: per backend and epoch the furthest, and what is allowed, dashed.

    Args:
        name: of the chart.
        title: of the chart.
        rows: of training.parquet, of one model and bound.
    """
    furthest: dict[tuple[str, int], dict[str, object]] = {}
    for row in sorted(rows, key=lambda row: float(row["distance_nats"])):
        if row["backend"] != REFERENCE_BACKEND:
            drawn = {"drawn": max(row["distance_nats"], DISTANCE_FLOOR_NATS)}
            furthest[row["backend"], row["epoch"]] = _kept(row, "distance_nats") | drawn
    own = [furthest[key] for key in sorted(furthest)]
    y = alt.Y("drawn:Q", title="nats", scale=alt.Scale(type="log"), axis=alt.Axis(format=".0e", tickCount=5))
    hover = [alt.Tooltip(f"{field}:N") for field in ("backend", "epoch", "notation")]
    points = alt.Chart(data(own), width=WIDTH, height=HEIGHT).mark_point(size=32, opacity=0.8, filled=True)
    drawn_points = points.encode(
        x=EPOCH,
        y=y,
        color=_backend(own, alt.Legend(title=None, symbolOpacity=1)),
        tooltip=[*hover, alt.Tooltip("distance_nats:Q", format=".2g")],
    )
    allowed = data([{"tolerance": rows[0]["tolerance_nats"]}])
    limit = alt.Chart(allowed).mark_rule(strokeDash=[6, 4], color=TEXT).encode(y=alt.Y("tolerance:Q"))
    return chart(name, title, drawn_points + limit)


def images(name: str, title: str, rows: Rows) -> Chart:
    """Images side by side, a row of them per kind; what is off is left out.

    Args:
        name: of the chart.
        title: of the chart.
        rows: of training_pixels.parquet.
    """
    across = 10
    lines = list(dict.fromkeys((row["picture"], row["number"] // across) for row in rows))
    found = [
        {"x": 9 * (row["number"] % across) + row["column"], "intensity": row["intensity"]}
        | {"y": 9 * lines.index((row["picture"], row["number"] // across)) + row["row"]}
        for row in rows
    ]
    wide, high = (max(pixel[axis] for pixel in found) + 1 for axis in ("x", "y"))
    base = alt.Chart(
        data([pixel for pixel in found if pixel["intensity"] >= 0.02]), width=PIXEL * wide, height=PIXEL * high
    )
    drawn = base.mark_rect().encode(
        x=alt.X("x:O", axis=None, scale=alt.Scale(domain=list(range(wide)))),
        y=alt.Y("y:O", axis=None, scale=alt.Scale(domain=list(range(high)))),
        opacity=alt.Opacity("intensity:Q", scale=alt.Scale(domain=[0, 1], range=[0, 1]), legend=None),
        color=alt.value(TEXT),
    )
    return chart(name, title, drawn)


def latents(name: str, title: str, rows: Rows) -> Chart:
    """Posterior means in the plane of the two latents, each as the digit that its image shows.

    Args:
        name: of the chart.
        title: of the chart.
        rows: of training_latents.parquet.
    """
    found = [{**row, "z_1": round(row["z_1"], 3), "z_2": round(row["z_2"], 3)} for row in rows]
    drawn = (
        alt.Chart(data(found), width=WIDTH + 40, height=WIDTH + 40)
        .mark_text(fontSize=11)
        .encode(
            x=alt.X("z_1:Q", title="z₁", axis=alt.Axis(tickCount=6)),
            y=alt.Y("z_2:Q", title="z₂"),
            text="label:N",
            color=alt.Color("label:N", scale=alt.Scale(range=DIGITS), legend=None),
        )
    )
    return chart(name, title, drawn)


def _kept(row: Mapping[str, Any], figure: str) -> dict[str, Any]:
    return {field: row[field] for field in ("notation", "backend", "epoch", figure)}


def _backend(rows: Rows, legend: alt.Legend = LINES) -> alt.Color:
    present = {row["backend"] for row in rows}
    colours = {backend: colour for backend, colour in COLOURS.items() if backend in present}
    return alt.Color("backend:N", scale=alt.Scale(domain=[*colours], range=[*colours.values()]), legend=legend)
