"""The section of training: curves from the same weights, their distances, and images of the trained model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import altair as alt

from ..notations.notation import Notation
from ..notations.writing import written_by
from ..report.tables import read_rows
from ..training.ascent import BATCH, GREY, MODELS
from ..training.tables import panels
from ..workers.run_folder import RunFolder
from .charts import TEXT, Chart, Drawn, Rows, chart, data
from .first_screen import facts
from .speed_charts import COLOURS

Row = dict[str, Any]
MODEL_WORDS = {
    "bernoulli": "pixels are on or off, p(x|z) is Bernoulli",
    "gaussian": f"pixels are grey, from 0 to {GREY:g}, p(x|z) is Gaussian with variance 1",
}
BOUND_WORDS = {"elbo": "KL in closed form", "elbo_monte_carlo": "KL of the draw"}

DISTANCE_FLOOR_NATS = 1e-16
"""The position of an exact 0 on a logarithmic axis."""
REFERENCE_BACKEND = "numpy"
WIDTH, HEIGHT = 270, 200
EPOCH = alt.X("epoch:Q", axis=alt.Axis(tickMinStep=1))
PIXEL = 4
LINES = alt.Legend(title=None, symbolOpacity=1, symbolType="stroke", symbolStrokeWidth=4)
DIGITS = ["#4c78a8", "#f58518", "#e45756", "#72b7b2", "#54a24b", "#b09a00", "#b279a2", "#e0749b", "#9d755d", "#8a8a8a"]


@dataclass(frozen=True)
class Panel:
    """The trainings of one model by one bound.

    Attributes:
        figures: the row of `training.tables.panels`.
        title: model and bound, in words.
        notations: the notations whose objectives were ascended.
        bounds, distances: charts.
    """

    figures: Row
    title: str
    notations: list[str]
    bounds: Chart
    distances: Chart


@dataclass(frozen=True)
class Section:
    """The results of a run of `elbostone train`.

    Attributes:
        facts: date, machine and versions of the run, by name.
        sizes: the sizes of the model and of a minibatch, in words.
        panels: by model and bound.
        lost: trainings without a curve.
        apart: largest distance between two curves of one panel, in nats.
        spacing: the largest distance between a bound and the next number of float64, in nats.
        curves: the number of curves.
        good: whether every curve is within its tolerance.
        images, latents: charts.
    """

    facts: dict[str, str]
    sizes: str
    panels: list[Panel]
    lost: list[Row]
    apart: float
    spacing: float
    curves: int
    good: bool
    images: Chart
    latents: Chart

    @property
    def charts(self) -> list[Chart]:
        return [chart for p in self.panels for chart in (p.bounds, p.distances)] + [self.images, self.latents]


def section(folder: Path) -> Section | None:
    """The section from the tables of a run folder; None where it has trained nothing.

    Raises:
        BadInput: the folder has some of the tables, and lacks others.
    """
    if not (folder / "training.parquet").exists():
        return None
    rows, pixels, means = (read_rows(folder / f"training{name}.parquet") for name in ("", "_pixels", "_latents"))
    found = [_panel(figures, rows) for figures in panels(rows)]
    spec = MODELS["bernoulli"]
    sizes = "-".join(map(str, (spec.data_dim, *spec.hidden, spec.latent_dim)))
    return Section(
        dict(facts(RunFolder(folder).settings())),
        f"{sizes}, minibatches of {BATCH}",
        found,
        [row for row in rows if row["bound"] is None],
        max((panel.figures["apart_nats"] for panel in found), default=0.0),
        max((math.ulp(panel.figures["before_nats"]) for panel in found), default=0.0),
        sum(panel.figures["curves"] for panel in found),
        all(panel.figures["verdict"] == "equal" for panel in found),
        chart("training-images", "Digits, their reconstructions, and two rows of samples", _images(pixels)),
        chart("training-latents", "Where the posterior of each digit has its mean", _latents(means)),
    )


def takes_part(notation: Notation) -> bool:
    """Whether a source writes one of the models that are trained."""
    return any(written_by(notation, spec) for spec in MODELS.values())


def _panel(figures: Row, rows: Sequence[Row]) -> Panel:
    model, bound = figures["model"], figures["bound"]
    own = [row for row in rows if (row["model"], row["bound"]) == (model, bound)]
    title = f"{MODEL_WORDS[model]}; {BOUND_WORDS[bound]}"
    name = f"{model}-{bound.replace('_', '-')}"
    return Panel(
        figures,
        title,
        list(dict.fromkeys(row["notation"] for row in own if row["backend"] != "numpy")),
        chart(f"training-{name}", f"Mean bound against the epoch: {title}", _bounds(own)),
        chart(f"training-{name}-apart", f"Distance from the reference's curve: {title}", _distances(own)),
    )


def _bounds(rows: Rows) -> Drawn:
    """The bound against the epoch: a wide line for the reference, and on it a thin one for each implementation.

    Args:
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
    drawn: Drawn = wide + thin + points
    return drawn


def _distances(rows: Rows) -> Drawn:
    """Distances from the reference's curve: the largest per backend and epoch, and the tolerance, dashed.

    Args:
        rows: of training.parquet, of one model and bound.
    """
    furthest: dict[tuple[str, int], dict[str, object]] = {}
    for row in sorted(rows, key=lambda row: float(row["distance_nats"])):
        if row["backend"] != REFERENCE_BACKEND:
            at = {"drawn": max(row["distance_nats"], DISTANCE_FLOOR_NATS)}
            furthest[row["backend"], row["epoch"]] = _kept(row, "distance_nats") | at
    own = [furthest[key] for key in sorted(furthest)]
    y = alt.Y("drawn:Q", title="nats", scale=alt.Scale(type="log"), axis=alt.Axis(format=".0e", tickCount=5))
    hover = [alt.Tooltip(f"{field}:N") for field in ("backend", "epoch", "notation")]
    points = alt.Chart(data(own), width=WIDTH, height=HEIGHT).mark_point(size=32, opacity=0.8, filled=True)
    furthest_points = points.encode(
        x=EPOCH,
        y=y,
        color=_backend(own, alt.Legend(title=None, symbolOpacity=1)),
        tooltip=[*hover, alt.Tooltip("distance_nats:Q", format=".2g")],
    )
    allowed = data([{"tolerance": rows[0]["tolerance_nats"]}])
    limit = alt.Chart(allowed).mark_rule(strokeDash=[6, 4], color=TEXT).encode(y=alt.Y("tolerance:Q"))
    drawn: Drawn = furthest_points + limit
    return drawn


def _images(rows: Rows) -> Drawn:
    """Images side by side, a row of them per kind; pixels that are off are left out.

    Args:
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
    drawn: Drawn = base.mark_rect().encode(
        x=alt.X("x:O", axis=None, scale=alt.Scale(domain=list(range(wide)))),
        y=alt.Y("y:O", axis=None, scale=alt.Scale(domain=list(range(high)))),
        opacity=alt.Opacity("intensity:Q", scale=alt.Scale(domain=[0, 1], range=[0, 1]), legend=None),
        color=alt.value(TEXT),
    )
    return drawn


def _latents(rows: Rows) -> Drawn:
    """Posterior means in the plane of the two latents, each as the digit that its image shows.

    Args:
        rows: of training_latents.parquet.
    """
    found = [{**row, "z_1": round(row["z_1"], 3), "z_2": round(row["z_2"], 3)} for row in rows]
    drawn: Drawn = (
        alt.Chart(data(found), width=WIDTH + 40, height=WIDTH + 40)
        .mark_text(fontSize=11)
        .encode(
            x=alt.X("z_1:Q", title="z₁", axis=alt.Axis(tickCount=6)),
            y=alt.Y("z_2:Q", title="z₂"),
            text="label:N",
            color=alt.Color("label:N", scale=alt.Scale(range=DIGITS), legend=None),
        )
    )
    return drawn


def _kept(row: Mapping[str, Any], figure: str) -> dict[str, Any]:
    return {field: row[field] for field in ("notation", "backend", "epoch", figure)}


def _backend(rows: Rows, legend: alt.Legend = LINES) -> alt.Color:
    present = {row["backend"] for row in rows}
    colours = {backend: colour for backend, colour in COLOURS.items() if backend in present}
    return alt.Color("backend:N", scale=alt.Scale(domain=[*colours], range=[*colours.values()]), legend=legend)
