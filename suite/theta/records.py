"""The request to a worker of `elbostone theta`, and its record."""

from __future__ import annotations

import msgspec

from ..workers.records import SCHEMA
from .plan import Training


class Asked(msgspec.Struct, frozen=True):
    """The request to a backend.

    Attributes:
        inputs: the folder that it reads.
        folder: where tensors go: the weights of each training, or `densities.safetensors` (the small models) and
            `readings.safetensors` (the trained VAE).
        trainings: what to train; without any, the small models and the trained VAE are evaluated.
    """

    inputs: str
    folder: str
    trainings: list[Training] = []


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
    """The record of a worker.

    Attributes:
        backend: what was active.
        versions: the versions of the packages that executed.
        trainings: one record per training and readout.
    """

    backend: str
    versions: dict[str, str]
    trainings: list[TrainingRecord] = []
    schema: int = SCHEMA
