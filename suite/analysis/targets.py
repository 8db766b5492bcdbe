"""The speed to reach: what a tuned VAE should gain on each framework, and what a run found."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..execution.backends import host_of
from ..execution.bench.workloads import CONVOLUTIONAL, MNIST_SIZE
from ..execution.peers.table import PEER
from .throughput import bounds

Row = Mapping[str, Any]

COLUMNS = (
    *("target", "share", "at_least", "found", "lower", "upper", "verdict", "by"),
    *("at_the_roof", "at_its_librarys_rate"),
)
REACHED, MISSED, UNMEASURED = "reached", "not reached", "not measured"


@dataclass(frozen=True)
class Found:
    """A figure, its bounds, what reached it, and what two rates of its products would allow where they are known."""

    value: float
    lower: float
    upper: float
    by: str
    at_the_roof: float | None = None
    at_its_librarys_rate: float | None = None


@dataclass(frozen=True)
class Run:
    """What a run measured.

    Attributes:
        speeds: rows of `analysis.throughput.throughput_rows`.
        rungs: rows of `analysis.duels.ladder_rows`, each with what names its timing.
    """

    speeds: Sequence[Row]
    rungs: Sequence[Row]

    def best(self, wanted: Mapping[str, Any], but: Callable[[Row], bool] = lambda row: False) -> Row | None:
        """The quickest row that has these fields; pinned threads and awaited calls unless it says otherwise."""
        wanted = {"threads": "pinned", "awaited": True} | dict(wanted)
        found = (
            row
            for row in self.speeds
            if row["images_per_second"] is not None and all(row[n] == v for n, v in wanted.items()) and not but(row)
        )
        return max(found, key=lambda row: row["images_per_second"], default=None)


@dataclass(frozen=True)
class Ladder:
    """How many times faster the fastest rung is than what its ladder starts from; measured in blocks of one process.

    Attributes:
        backends: the best of their ladders counts.
        workload, stage, batch, dtype: whose ladder.
        start: the mode that it starts from.
    """

    backends: tuple[str, ...]
    workload: str
    stage: str
    batch: int
    dtype: str = "float32"
    start: str = "published"

    def found(self, run: Run) -> Found | None:
        """The figure of a run; None where it has none."""
        return max((self._of(row, run) for row in self._rungs(run)), key=lambda found: found.value, default=None)

    def _rungs(self, run: Run) -> Iterator[Row]:
        for row in run.rungs:
            about = row["workload"], row["stage"], row["batch"], row["dtype"], row["start"]
            wanted = self.workload, self.stage, self.batch, self.dtype, self.start
            if row["backend"] in self.backends and about == wanted and row["of_published"] is not None:
                yield row

    def _of(self, row: Row, run: Run) -> Found:
        about = {"backend": row["backend"], "workload": self.workload, "stage": self.stage, "batch": self.batch}
        tuned = run.best(about | {"dtype": self.dtype, "mode": "tuned"})
        first = run.best(about | {"dtype": "float32", "mode": self.start})

        def limit(share: str) -> float | None:
            if tuned is None or first is None or not tuned[share]:
                return None
            return float(tuned["images_per_second"] / tuned[share] / first["images_per_second"])

        bounds = 1 / row["of_published_upper"], 1 / row["of_published_lower"]
        limits = limit("roof_share"), limit("library_share")
        return Found(1 / row["of_published"], *bounds, f"{row['backend']} {row['rung']}", *limits)


def _not_in_framework(row: Row) -> bool:
    return row["mode"] in ("exported", PEER)


@dataclass(frozen=True)
class Share:
    """The part of the roof that the best of all reaches, exported models apart."""

    stage: str
    batch: int

    def found(self, run: Run) -> Found | None:
        """The figure of a run; None where it has none."""
        wanted = {"workload": MNIST_SIZE, "stage": self.stage, "batch": self.batch, "dtype": "float32"}
        row = run.best(wanted, _not_in_framework)
        if row is None or row["roof_share"] is None:
            return None
        share, images = row["roof_share"], row["images_per_second"]
        return Found(share, share * row["lower"] / images, share * row["upper"] / images, _named(row))


@dataclass(frozen=True)
class Quotient:
    """The throughput of the best of some cells ÷ that of the best of others.

    Process by process where both are timed in the same ones: what makes all of a process slow is then in both.
    """

    stage: str
    batch: int
    of: Mapping[str, Any]
    against: Mapping[str, Any]

    def found(self, run: Run) -> Found | None:
        """The figure of a run; None where it has none."""
        wanted = {"workload": MNIST_SIZE, "stage": self.stage, "batch": self.batch}
        one = run.best(wanted | dict(self.of), _not_in_framework)
        other = run.best({**wanted, "dtype": "float32"} | dict(self.against))
        if one is None or other is None:
            return None
        if host_of(one["backend"]) == host_of(other["backend"]):
            # One of them may have been timed again, in further processes.
            ratios = [mine / its for mine, its in zip(one["by_process"], other["by_process"], strict=False)]
            return Found(statistics.median(ratios), *bounds(ratios), _named(one))
        value = one["images_per_second"] / other["images_per_second"]
        return Found(value, one["lower"] / other["upper"], one["upper"] / other["lower"], _named(one))


def _named(row: Row) -> str:
    return " ".join(str(word) for word in (row["backend"], row["dtype"], row["mode"], row["rung"]) if word)


@dataclass(frozen=True)
class Target:
    """What is wanted, in words, and at least how much of it."""

    name: str
    at_least: float
    measure: Ladder | Share | Quotient


_KERAS = ("keras-tensorflow", "keras-jax")
_FLOAT32, _EXPORTED = {"dtype": "float32"}, {"mode": "exported"}
_PRODUCTS = [
    target
    for stage in ("encoder", "decoder")
    for batch in (128, 1024)
    for target in (
        Target(f"{stage}, {MNIST_SIZE}, {batch}: share of the roof", 0.85, Share(stage, batch)),
        Target(f"{stage}, {MNIST_SIZE}, {batch}: ÷ ONNX Runtime", 1.0, Quotient(stage, batch, _FLOAT32, _EXPORTED)),
    )
]
TARGETS = (
    Target(
        f"training step, {MNIST_SIZE}, 128, torch: ÷ published",
        1.6,
        Ladder(("torch",), MNIST_SIZE, "training_step", 128),
    ),
    Target(
        f"epoch, {MNIST_SIZE}, 128, torch: ÷ published, with its DataLoader",
        4.0,
        Ladder(("torch",), MNIST_SIZE, "epoch", 128),
    ),
    Target(
        f"epoch, {MNIST_SIZE}, 128, keras-tensorflow: ÷ `fit`",
        3.0,
        Ladder(("keras-tensorflow",), MNIST_SIZE, "epoch", 128),
    ),
    Target(f"epoch, {MNIST_SIZE}, 128, keras-jax: ÷ `fit`", 1.4, Ladder(("keras-jax",), MNIST_SIZE, "epoch", 128)),
    Target(
        f"training step, {MNIST_SIZE}, 128, keras-jax: ÷ NumPyro's `SVI.update`",
        1.0,
        Quotient("training_step", 128, {"backend": "keras-jax", "dtype": "float32"}, {"notation": "numpyro"}),
    ),
    Target(f"training step, {MNIST_SIZE}, 1024: share of the roof", 0.75, Share("training_step", 1024)),
    Target(
        f"training step, {MNIST_SIZE}, 1024: torch bfloat16 ÷ the best float32",
        1.3,
        Quotient("training_step", 1024, {"backend": "torch", "dtype": "bfloat16"}, {"awaited": True}),
    ),
    *_PRODUCTS,
    Target(f"encoder, {MNIST_SIZE}, 1: ÷ ONNX Runtime", 1 / 1.1, Quotient("encoder", 1, _FLOAT32, _EXPORTED)),
    Target(
        f"encoder, {MNIST_SIZE}, 1, keras-tensorflow: ÷ `predict`",
        100.0,
        Ladder(("keras-tensorflow",), MNIST_SIZE, "encoder", 1),
    ),
    Target(
        f"decoder, {CONVOLUTIONAL}, 128, torch: ÷ eager",
        3.0,
        Ladder(("torch",), CONVOLUTIONAL, "decoder", 128, start="eager"),
    ),
    Target(
        f"decoder, {CONVOLUTIONAL}, 128, torch in bfloat16: ÷ eager in float32",
        6.0,
        Ladder(("torch",), CONVOLUTIONAL, "decoder", 128, "bfloat16", "eager"),
    ),
    Target(f"epoch, {CONVOLUTIONAL}, 128: ÷ `fit`", 1.5, Ladder(_KERAS, CONVOLUTIONAL, "epoch", 128)),
)


def target_rows(speeds: Iterable[Row], rungs: Iterable[Row]) -> list[dict[str, Any]]:
    """One row per target.

    Columns: `target`; whether it is a `share` of the roof, or a ratio; `at_least`; `found` within `lower` and `upper`;
    `verdict`; `by`, what reached it; `at_the_roof`, the ratio if the stage took no longer than its matrix products at
    the best rate that any library reached, and `at_its_librarys_rate` at the best of the framework's own.

    Args:
        speeds: of `analysis.throughput.throughput_rows`.
        rungs: of `analysis.duels.ladder_rows`.
    """
    run = Run(list(speeds), list(rungs))
    rows = []
    for target in TARGETS:
        row: dict[str, Any] = dict.fromkeys(COLUMNS) | {"target": target.name, "at_least": target.at_least}
        row["share"] = isinstance(target.measure, Share)
        found = target.measure.found(run)
        row["verdict"] = UNMEASURED
        if found is not None:
            verdict = REACHED if found.value >= target.at_least else MISSED
            figures = dict(vars(found))
            row |= {"found": figures.pop("value"), "verdict": verdict, **figures}
        rows.append(row)
    return rows
