"""The section of throughput: tables, and charts of speed, of cold starts and of the recipes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..timing.judge.throughput import Row
from ..timing.tables import best, shown
from ..workers.run_settings import RunSettings
from . import speed_charts
from .charts import Chart, chart
from .first_screen import facts
from .words import number, words

WORDS = {
    "workload": "the model's sizes: 784-400-20 has 784 pixels, 400 hidden units and 20 latents",
    "published": "the source's own training loop; in Keras, its predict and fit",
    "eager, compiled, compiled-xla": "the model as it is; by the framework's compiler; by its compiler with XLA",
    "exported": "by ONNX Runtime",
    "tuned: step": "an optimisation step, together with those before it",
    "peer": "another library that computes the same",
    "first call": "the seconds of the first call, compiling included",
    "smallest detectable error": "the smallest relative error of a whole tensor that the proof would have detected",
}


WEAK = 0.1
"""A proof that detects larger errors alone would let a wrong formula pass."""


@dataclass(frozen=True)
class Proofs:
    """The smallest detectable errors (relative, of a whole tensor) of the proofs of one dtype."""

    dtype: str
    least: float
    most: float

    @property
    def weak(self) -> bool:
        return self.most > WEAK


@dataclass(frozen=True)
class Section:
    """The timings of a run.

    Attributes:
        facts: date, machine and versions of the run, by name.
        figures, unstable: the number of timings, and the number of unstable ones.
        extremes: title → a timing in words: with the fewest images per second, or the least share of the roofline.
        proofs: the smallest detectable errors of the proofs, by dtype.
        words: the words of the tables → their meanings.
        best: the quickest of each stage, as text.
        lines: every row, with its text.
        speeds: charts of images per second.
        cold: a chart of cold starts; empty where none was measured.
        recipes: charts of the speed-up by each recipe, one for each stage and backend.
        recipes_of: the workload, batch and dtype of the recipes.
    """

    facts: dict[str, str]
    figures: int
    unstable: int
    extremes: dict[str, str]
    proofs: list[Proofs]
    words: dict[str, str]
    best: list[list[str]]
    lines: list[tuple[Row, list[str]]]
    speeds: list[Chart]
    cold: list[Chart]
    recipes: list[Chart]
    recipes_of: str

    @property
    def charts(self) -> list[Chart]:
        return [*self.speeds, *self.cold, *self.recipes]


def section(rows: Sequence[Row], settings: RunSettings) -> Section:
    """The section from the rows of throughput.parquet."""
    timed = [row for row in rows if row["images_per_second"] is not None]
    pinned = [row for row in timed if row["threads"] != "default"]
    lines = list(zip(rows, shown(rows), strict=True))
    return Section(
        dict(facts(settings)),
        len(timed),
        sum(not row["stable"] for row in timed),
        _extremes(timed),
        _proofs(timed),
        WORDS,
        best(rows),
        lines,
        _speeds(timed),
        _cold_start(pinned),
        *_recipes(pinned),
    )


def _extremes(rows: Sequence[Row]) -> dict[str, str]:
    limited = [row for row in rows if row["roof_share"]]
    found = {
        "The slowest": _least(rows, "images_per_second"),
        "The slowest whose roofline is known": _least(limited, "images_per_second"),
        "Furthest from the roofline": _least(limited, "roof_share"),
    }
    return {what: said for i, (what, said) in enumerate(found.items()) if said and said not in list(found.values())[:i]}


def _least(rows: Iterable[Row], figure: str) -> str:
    """The row with the least of a figure, in words; empty where no row has one."""
    row = min((row for row in rows if row[figure]), key=lambda row: float(row[figure]), default=None)
    if row is None:
        return ""
    names = ("notation", "backend", "mode", "rung", "stage", "workload", "dtype")
    cell = ", ".join(words(str(row[name])) if name == "stage" else str(row[name]) for name in names if row[name])
    share = "no roofline is known" if not row["roof_share"] else f"{number(100 * row['roof_share'])} % of the roofline"
    unstable = "" if row["stable"] else ", not stable"
    return f"{cell}, batch {row['batch']}: {row['images_per_second']:,.0f} images per second{unstable}; {share}"


def _proofs(rows: Iterable[Row]) -> list[Proofs]:
    found: dict[str, list[float]] = {}
    for row in rows:
        if row["detects"] is not None:
            found.setdefault(row["dtype"], []).append(row["detects"])
    return [Proofs(dtype, min(errors), max(errors)) for dtype, errors in found.items()]


def _speeds(rows: Iterable[Row]) -> list[Chart]:
    """A chart per workload, stage and dtype: each of these has another roofline."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["workload"], row["stage"], row["dtype"]), []).append(row)
    found = []
    for kind, own in groups.items():
        batches = {row["batch"] for row in own}
        title = [*map(words, kind), *(f"batch {batch}" for batch in batches if len(batches) == 1)]
        drawn = speed_charts.throughput(own)
        found.append(chart(f"throughput-{'-'.join(kind)}", ", ".join(title), drawn, speed_charts.MARKS))
    return found


def _cold_start(rows: Sequence[Row]) -> list[Chart]:
    cold = _widest([row for row in rows if row["first_call_s"] is not None])
    if not cold:
        return []
    title = f"Seconds that the first call takes, compiling included: {_what(cold[0])}"
    return [chart("cold-start", title, speed_charts.cold_start(cold))]


def _recipes(rows: Sequence[Row]) -> tuple[list[Chart], str]:
    """Charts of each backend's recipes in their order from eager on, for the rows of `_widest`."""
    chosen = _widest([row for row in rows if row["mode"] == "tuned"])
    found = []
    for stage, backend, notation in dict.fromkeys((r["stage"], r["backend"], r["notation"]) for r in chosen):
        key = {"stage": stage, "backend": backend, "notation": notation} | _kind(chosen[0])
        own = [row for row in rows if all(row[name] == value for name, value in key.items())]
        start = next((row["images_per_second"] for row in own if row["mode"] == "eager"), None)
        if start is None:
            continue
        before, steps = start, []
        for row in (row for row in own if row["mode"] == "tuned"):
            step = {"recipe": row["rung"], "stable": row["stable"]}
            steps.append(step | {"before": before / start, "after": row["images_per_second"] / start})
            before = row["images_per_second"]
        title = f"What the recipes bring: {words(stage)}, {backend}"
        found.append(chart(f"recipes-{stage}-{backend}-{notation}", title, speed_charts.recipes(steps)))
    return found, _what(chosen[0]) if found else ""


def _widest(rows: Sequence[Row]) -> list[Row]:
    """The rows of the workload, batch and dtype in which most backends, modes and recipes were timed."""
    ways = dict.fromkeys((*_kind(row).values(), row["backend"], row["mode"], row["rung"]) for row in rows)
    counts = Counter(way[:3] for way in ways)
    return [row for row in rows if tuple(_kind(row).values()) == counts.most_common(1)[0][0]]


def _kind(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("workload", "batch", "dtype")}


def _what(row: Row) -> str:
    return f"{row['workload']}, batch {row['batch']}, {row['dtype']}"
