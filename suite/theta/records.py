"""The task of a worker of `elbostone theta`, and its record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec

from ..workers.jobs import Measure
from ..workers.records import CellRecord
from ..workers.tasks import CellTask
from .plan import Training


class TrainingRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A training in one backend, scored from one readout.

    Attributes:
        regime, seed, rounding: as `Training` has them.
        backend: what was active.
        readout: the parameters that score it.
        held_out_log_likelihood_nats, standard_error_nats: mean and standard error of log p̂(x) per held-out digit.
        theta_change: norm of the change of θ.
        training_s: seconds.
        evaluation_scale_nats: N of one log importance weight of the trained model; None until it is measured.
    """

    regime: str
    seed: int
    rounding: int | None = None
    backend: str
    readout: str
    held_out_log_likelihood_nats: float
    standard_error_nats: float
    theta_change: float
    training_s: float
    evaluation_scale_nats: float | None = None


class ThetaRecord(CellRecord, frozen=True, kw_only=True, tag="theta"):
    """The outcome of one backend.

    Attributes:
        trainings: one record per training and readout.
    """

    trainings: Sequence[TrainingRecord] = ()


class ThetaTask(CellTask, frozen=True):
    """The work of one backend.

    Attributes:
        inputs: the folder that it reads.
        trainings: what to train; without any, the small models and the trained VAE are evaluated.
    """

    measure: ClassVar[Measure] = "theta.measure"
    record: ClassVar[type[ThetaRecord]] = ThetaRecord

    inputs: str
    trainings: Sequence[Training] = ()
