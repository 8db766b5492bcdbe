"""The cells of training: a worker's task, and its record."""

from __future__ import annotations

from typing import ClassVar

from ..workers.jobs import Measure
from ..workers.records import CellRecord, Number
from ..workers.tasks import CellTask


class CurveRecord(CellRecord, frozen=True, kw_only=True, tag="curve"):
    """The outcome of one training.

    Attributes:
        bound: what the objective sums over the batch, `elbo` or `elbo_monte_carlo`; None where nothing ran.
        bounds_nats: mean bound of all digits, before the first epoch and after each epoch.
    """

    bound: str | None = None
    bounds_nats: tuple[Number, ...] = ()


class TrainingTask(CellTask, frozen=True):
    """A cell to train, as a worker's task.

    Attributes:
        problem_file, notation_file: paths.
        package: the package of the implementation.
        epochs: the number of epochs.
    """

    measure: ClassVar[Measure] = "training.measure"
    record: ClassVar[type[CurveRecord]] = CurveRecord

    problem_file: str
    package: str
    notation_file: str
    epochs: int
