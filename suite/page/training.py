"""The section of training: curves from the same weights, how far they are apart, and what was learnt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..notations.notation import Notation
from ..notations.writing import written_by
from ..report.tables import read_rows
from ..training.ascent import BATCH, GREY, MODELS
from ..training.tables import panels
from ..workers.run_folder import RunFolder
from . import training_charts
from .charts import Chart
from .first_screen import facts

Row = dict[str, Any]
MODEL_WORDS = {
    "bernoulli": "pixels are on or off, p(x|z) is Bernoulli",
    "gaussian": f"pixels are grey, from 0 to {GREY:g}, p(x|z) is Gaussian with variance 1",
}
BOUND_WORDS = {"elbo": "KL in closed form", "elbo_monte_carlo": "KL of the draw"}


@dataclass(frozen=True)
class Panel:
    """The trainings of one model by one bound.

    Attributes:
        figures: of `training.tables.panels`.
        title: model and bound, in words.
        notations: whose objectives were ascended.
        bounds, distances: charts.
    """

    figures: Row
    title: str
    notations: list[str]
    bounds: Chart
    distances: Chart


@dataclass(frozen=True)
class Section:
    """What a run of `elbostone train` found.

    Attributes:
        facts: where and when it was made, by name.
        sizes: of the model and of a minibatch, in words.
        panels: by model and bound.
        lost: trainings without a curve.
        apart: largest distance between two curves of one panel, in nats.
        spacing: the largest distance between a bound and the next number of float64, in nats.
        curves: how many there are.
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
        training_charts.images("training-images", "Digits, their reconstructions, and two rows of samples", pixels),
        training_charts.latents("training-latents", "Where the posterior of each digit has its mean", means),
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
        training_charts.bounds(f"training-{name}", f"Mean bound against the epoch: {title}", own),
        training_charts.distances(f"training-{name}-apart", f"Distance from the reference's curve: {title}", own),
    )
