"""What a backend leaves of `elbostone theta`, and of each training."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from ..backends.table import BACKENDS
from ..workers.records import SCHEMA


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


class ThetaRecord(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="theta"):
    """What a worker did.

    Attributes:
        backend: what was active.
        versions: of the packages that executed.
        elapsed_s: task → seconds.
        trainings: of the task `trainings`.
    """

    backend: str
    versions: dict[str, str]
    elapsed_s: dict[str, float]
    trainings: list[TrainingRecord] = []
    schema: int = SCHEMA


class Outcome(msgspec.Struct, frozen=True):
    """What came of one backend.

    Attributes:
        status: how it ended.
        reason: why there is nothing, in one line; empty where there is something.
        folder: where the worker left its tensors.
        record: what it did; None where there is nothing.
    """

    backend: str
    status: Literal["ok", "missing", "failed", "timeout"]
    reason: str
    folder: Path
    record: ThetaRecord | None = None


def missing(backend: str, folder: Path) -> Outcome:
    """The outcome of a backend that is not installed."""
    return Outcome(backend, "missing", BACKENDS[backend].remedy(), folder)
