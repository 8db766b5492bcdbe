"""The tables of training: a row per curve and epoch, and images that the reference draws with its last weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..reference import oracle
from ..reference.arithmetic import EPSILON, SMALLEST_NORMAL, Arithmetic, Exact, Perturbed
from ..reference.data import labels
from ..reference.files import write_text
from ..reference.networks import decode
from ..reference.problem import Array, Problem
from ..reference.tape import Tape
from ..reference.tolerance import K
from ..report.dictionary import write_dictionary
from ..report.tables import frame, markdown, write_table
from .ascent import SEED, Weights, train_reference
from .records import CurveRecord

Row = dict[str, Any]
TITLE = "Mean bound of the digits before and after training, in nats"
REFERENCE = "reference"
RUNS = 8
"""The number of trainings in perturbed arithmetic, which measure the rounding error of a training."""
SHOWN, SIDE = 10, 8
LATENTS = 600
"""The number of digits whose posterior means are written."""
COLUMNS = ("model", "bound", "notation", "backend", "dtype", "verdict", "reason", "epoch")
FIGURES = ("bound_nats", "distance_nats", "tolerance_nats")
PANELS = (
    "model",
    "bound",
    "notations",
    "curves",
    "before_nats",
    "after_nats",
    "apart_nats",
    "tolerance_nats",
    "verdict",
)


def rows_of(records: Sequence[CurveRecord], problems: Mapping[str, Problem], epochs: int) -> list[Row]:
    """A row per curve and epoch, the reference's curve included, and a row per training without a curve.

    A curve is `equal` where its distance from the reference's curve is at most `tolerance_nats` at every epoch. The
    tolerance is `tolerance.K` times the largest distance of the reference's training in perturbed arithmetic.
    """
    rows: list[Row] = []
    panels: dict[tuple[str, str], list[CurveRecord]] = {}
    for record in records:
        if record.bound is None:
            rows.append(_named(record) | {"verdict": record.status, "reason": record.reason})
        else:
            panels.setdefault((record.cell.problem, record.bound), []).append(record)
    for (model, bound), own in panels.items():
        reference = _reference(problems[model], bound, Exact(), epochs)[:, 0]
        perturbed = Perturbed(EPSILON["float64"], RUNS, SEED, SMALLEST_NORMAL["float64"])
        noise = np.abs(_reference(problems[model], bound, perturbed, epochs) - reference[:, None]).max()
        tolerance = float(K * noise)
        named = {"model": model, "bound": bound, "notation": REFERENCE, "backend": "numpy", "dtype": "float64"}
        rows += _curve(named, reference, reference, tolerance)
        for record in own:
            rows += _curve(_named(record), np.asarray(record.bounds_nats, float), reference, tolerance)
    return rows


def _named(record: CurveRecord) -> Row:
    cell = record.cell
    named = {"model": cell.problem, "bound": record.bound, "notation": cell.notation}
    return named | {"backend": cell.backend, "dtype": cell.dtype}


def _reference(problem: Problem, bound: str, arithmetic: Arithmetic, epochs: int) -> Array:
    return np.stack(train_reference(problem, bound, arithmetic, epochs)[0])


def _curve(named: Row, bounds: Array, reference: Array, tolerance: float) -> list[Row]:
    distances = np.abs(bounds - reference)
    verdict = "equal" if np.all(distances <= tolerance) else "differs"  # NaN is within no tolerance
    named = named | {"verdict": verdict, "tolerance_nats": tolerance}
    return [
        named | {"epoch": epoch, "bound_nats": float(bound), "distance_nats": float(distance)}
        for epoch, (bound, distance) in enumerate(zip(bounds, distances, strict=True))
    ]


def panels(rows: Sequence[Row]) -> list[Row]:
    """A row per model and bound: number of curves, bounds before and after, largest distance between two curves."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row["bound"] is not None:
            groups.setdefault((row["model"], row["bound"]), []).append(row)
    return [_panel(own) for own in groups.values()]


def _panel(rows: Sequence[Row]) -> Row:
    by_epoch: dict[int, list[float]] = {}
    for row in rows:
        by_epoch.setdefault(row["epoch"], []).append(row["bound_nats"])
    reference = [row["bound_nats"] for row in rows if row["notation"] == REFERENCE]
    own = [row for row in rows if row["notation"] != REFERENCE]
    return {
        "model": rows[0]["model"],
        "bound": rows[0]["bound"],
        "notations": len({row["notation"] for row in own}),
        "curves": len({(row["notation"], row["backend"]) for row in own}),
        "before_nats": reference[0],
        "after_nats": reference[-1],
        "apart_nats": float(np.max([np.ptp(bounds) for bounds in by_epoch.values()])),  # max would lose a NaN
        "tolerance_nats": rows[0]["tolerance_nats"],
        "verdict": "equal" if all(row["verdict"] == "equal" for row in own) else "differs",
    }


def pixels(problem: Problem, weights: Weights) -> list[Row]:
    """The first digits, the means of p(x|z) at their posterior means, and the means at draws of p(z).

    Args:
        problem: a problem with a Bernoulli p(x|z) and all digits.
        weights: canonical name → [run, ...], after a training of one run.
    """
    draws = np.random.default_rng(SEED).standard_normal((2 * SHOWN, problem.spec.latent_dim))
    pictures = {
        "digit": problem.x[:SHOWN],
        "reconstruction": decoded(problem, weights, posterior_means(problem, weights)[:SHOWN]),
        "sample": decoded(problem, weights, draws),
    }
    return [
        {"picture": name, "number": i, "row": p // SIDE, "column": p % SIDE, "intensity": round(float(value), 3)}
        for name, images in pictures.items()
        for i, image in enumerate(images)
        for p, value in enumerate(image)
    ]


def latents(problem: Problem, weights: Weights) -> list[Row]:
    """The posterior mean and the label of each of the first digits."""
    found = zip(labels(), posterior_means(problem, weights)[:LATENTS], strict=False)
    return [{"number": i, "label": int(label), "z_1": z[0], "z_2": z[1]} for i, (label, z) in enumerate(found)]


def posterior_means(problem: Problem, weights: Weights) -> Array:
    """The mean of q(z|x) of each digit: [data count, latent]."""
    found = oracle.run(problem, Exact(), weights=weights, gradients=False)
    return np.asarray(found["posterior_mean"][0])


def decoded(problem: Problem, weights: Weights, z: Array) -> Array:
    """z [point, latent] → the means of a Bernoulli p(x|z), [point, data]."""
    tape = Tape(Exact())
    nodes = {name: tape.input(weight, carries_run=True) for name, weight in weights.items()}
    return np.asarray(1 / (1 + np.exp(-decode(problem.spec, tape.input(z), nodes)["logits"].value[0])))


def shown(value: Any) -> str:
    """A figure of a panel as text: six digits of a bound, two of a distance."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.2g}" if abs(value) < 1 else f"{value:.6g}"


def write_training(rows: Sequence[Row], images: Sequence[Row], means: Sequence[Row], folder: Path) -> None:
    """Write training, training_pixels and training_latents as CSV and Parquet, training.md, and the dictionary."""
    write_table(frame(rows, (*COLUMNS, *FIGURES)), folder / "training")
    write_table(frame(images, tuple(images[0])), folder / "training_pixels")
    write_table(frame(means, tuple(means[0])), folder / "training_latents")
    lines = [{name: shown(row[name]) for name in PANELS} for row in panels(rows)]
    lost = [row for row in rows if row["bound"] is None]
    text = f"# Training\n\n{TITLE}; `apart_nats` is the largest distance between any two curves at one epoch.\n\n"
    text += markdown(frame(lines, PANELS))
    if lost:
        text += "\nWithout a curve:\n\n" + markdown(frame(lost, COLUMNS)[["model", "notation", "backend", "reason"]])
    write_text(folder / "training.md", text)
    write_dictionary(folder)
