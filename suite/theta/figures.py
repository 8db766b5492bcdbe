"""The figures of `elbostone theta`: which weights each distribution reads, and when the joint falls apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from .cases import Case, cases
from .judge.answer import REFERENCE, Answer
from .judge.statement import number
from .models import ROWS

FIGURES = {
    "theta_dependency": "Norm of the gradient of each log density by each weight; white crossed cells are exact zeros",
    "theta_joint": "Residual of the joint, in nats, with one factor at another θ",
}
FLOOR_NATS = 1e-17
"""Where a residual of exactly 0 is drawn on a logarithmic axis."""


def write_figures(answer: Answer, folder: Path) -> None:
    """Each figure as SVG, which scales, and PNG."""
    for name, figure in {"theta_dependency": dependency(answer), "theta_joint": joint(answer)}.items():
        FigureCanvasAgg(figure)
        for suffix in ("svg", "png"):
            figure.savefig(folder / f"{name}.{suffix}", dpi=110, metadata={"Creator": None} if suffix == "svg" else {})


def dependency(answer: Answer) -> Figure:
    """One heat map per case; an exact zero is a white, crossed cell and no colour at all."""
    shown = cases()
    figure = Figure(figsize=(15, 11), layout="constrained")
    grid = figure.subplots(3, 2)
    norms = [e.norms[REFERENCE] for e in answer.dependencies if e.norms[REFERENCE] > 0]
    scale = LogNorm(min(norms), max(norms))
    for axes, case in zip(grid.ravel(), shown, strict=True):
        _heat_map(axes, answer, case, scale)
    mappable = grid[0, 0].images[0]
    figure.colorbar(mappable, ax=grid, label="norm of the gradient (nats per unit of the weight)", shrink=0.6)
    figure.suptitle("Which weights each log density reads (white, crossed: exactly 0)")
    return figure


def _heat_map(axes: Axes, answer: Answer, case: Case, scale: LogNorm) -> None:
    weights = list(case.weights)
    found = {(e.row, e.weight): e.norms[REFERENCE] for e in answer.dependencies if e.case == case.name}
    values = np.array([[found[row, weight] for weight in weights] for row in ROWS])
    axes.imshow(np.ma.masked_equal(values, 0.0), norm=scale, cmap="viridis", aspect="auto")
    for (i, j), value in np.ndenumerate(values):
        if value == 0:
            axes.plot([j - 0.3, j + 0.3], [i - 0.3, i + 0.3], color="0.75", linewidth=0.8)
            axes.plot([j - 0.3, j + 0.3], [i + 0.3, i - 0.3], color="0.75", linewidth=0.8)
        else:
            dark = scale(value) < 0.6
            axes.text(j, i, number(value), ha="center", va="center", fontsize=6.5, color="white" if dark else "black")
    axes.set_yticks(range(len(ROWS)), ROWS, fontsize=8)
    axes.set_xticks(range(len(weights)), weights, rotation=35, ha="right", fontsize=7)
    axes.set_title(case.title, fontsize=10)
    edges = [j for j in range(1, len(weights)) if weights[j].split(".")[0] != weights[j - 1].split(".")[0]]
    for edge in edges:
        axes.axvline(edge - 0.5, color="black", linewidth=1)


def joint(answer: Answer) -> Figure:
    """One row per exchange: what has to stay zero lies left, at rounding; what must not lies right."""
    shown = cases()
    figure = Figure(figsize=(13, 11), layout="constrained")
    grid = figure.subplots(3, 2, sharex=True)
    for axes, case in zip(grid.ravel(), shown, strict=True):
        rows = [row for row in answer.residuals if row.case == case.name]
        for i, row in enumerate(rows):
            colour = "tab:blue" if row.ignored else "tab:red"
            for value in row.residuals.values():
                axes.plot(max(value, FLOOR_NATS), i, "o", color=colour, markersize=6, alpha=0.6)
        names = ["one θ throughout" if r.factor == "nothing" else f"{r.factor}: {r.exchanged}" for r in rows]
        axes.set_yticks(range(len(rows)), names, fontsize=8)
        axes.axvline(max(row.tolerance for row in rows), color="0.5", linestyle=":", linewidth=1)
        axes.set_xscale("log")
        axes.set_xlim(FLOOR_NATS / 3, 30)
        axes.invert_yaxis()
        axes.set_title(case.title, fontsize=10)
        axes.grid(axis="x", color="0.92")
    for axes in grid[-1]:
        axes.set_xlabel(f"|residual| (nats); a dot per backend, one of exactly 0 at {FLOOR_NATS:g}")
    figure.suptitle(
        "log p(x|z) + log p(z) − log p(x) − log p(z|x) with one factor at another θ\n"
        "blue: the factor does not read what was exchanged; red: it does; dotted: what rounding explains"
    )
    return figure
