"""The section of θ: which weights each density reads, when the joint holds, and the four readings of the subscript."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..report.tables import read_rows
from ..theta.cases import cases
from . import theta_charts
from .charts import Chart, Rows

GRADIENTS = "norm of the gradient of each log density by each weight"
RESIDUAL = "log p(x|z) + log p(z) − log p(x) − log p(z|x), with one factor at another θ"
CHANGES = "what the change of the latent z = As + m moves"
TABLES = ("dependency", "joint", "absorption", "statements", "readings")


@dataclass(frozen=True)
class Section:
    """What a run of `elbostone theta` found.

    Attributes:
        maps: a heat map per model.
        joint: how far the joint falls apart with one factor at another θ, a chart per model.
        absorption: what moves when the prior is absorbed into the decoder, a chart per model.
        statements: sentences with their verdicts, by topic.
        readings: what a subscript can be taken for, and what becomes of it.
        zeros, derivatives: how many derivatives are exactly zero, and how many there are.
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

    def drawn(draw: Callable[[str, str, Rows], Chart], name: str, says: str, rows: Rows) -> list[Chart]:
        models = dict.fromkeys(row["case"] for row in rows)
        return [
            draw(f"{name}-{model}", f"{titles.get(model, model)}: {says}", [r for r in rows if r["case"] == model])
            for model in models
        ]

    topics: dict[str, list[dict[str, Any]]] = {}
    for statement in statements:
        topics.setdefault(statement["topic"], []).append(statement)
    return Section(
        drawn(theta_charts.dependency, "dependency", GRADIENTS, dependencies),
        drawn(theta_charts.joint, "joint", RESIDUAL, joint),
        drawn(theta_charts.absorption, "absorption", CHANGES, absorption),
        topics,
        readings,
        sum(row["norm_reference"] == 0 for row in dependencies),
        len(dependencies),
    )
