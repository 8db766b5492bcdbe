"""The training runs behind `elbostone theta`: made now, or made once and committed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from ..backends.table import BACKENDS
from ..reference import oracle
from ..reference.errors import BadInput
from ..reference.files import printable, read_json, write_text
from ..reference.problem import Array, Problem, read_tensors, save_tensors
from ..workers.pool import OnRecord
from .plan import BY_NAME, SEEDS, Regime, Training, one_copy, readouts, split_digits, trainings
from .records import ThetaRecord, TrainingRecord
from .start import absent, run_backends, tensors_of

COMMITTED = Path(__file__).with_name("trained")
"""Part of the package, so that an installed one has them too."""
RECORDS, WEIGHTS = "theta.json", "theta.safetensors"
COMMAND = "elbostone theta --train"
SCHEMA = 1
KEPT = ("learned", "frozen")
"""Regimes whose weights are kept, of the first seed: the readings are of these models."""


@dataclass(frozen=True)
class Trained:
    """The results of the training runs.

    Attributes:
        records: one per training, backend and readout.
        weights: canonical weights of `KEPT`.
        origin: where they come from, in words.
    """

    records: list[TrainingRecord]
    weights: dict[str, dict[str, Array]]
    origin: str


class TrainedDocument(msgspec.Struct, frozen=True):
    """The file of the records: what `write_trained` writes."""

    schema: int
    command: str = ""
    versions: dict[str, dict[str, str]] = {}
    trainings: list[TrainingRecord] = []


def load_trained(folder: Path = COMMITTED) -> Trained:
    """The trainings of a folder.

    Raises:
        BadInput: they cannot be read, or are newer than this reader.
    """
    path = folder / RECORDS
    try:
        document = msgspec.convert(read_json(path), TrainedDocument)
    except (BadInput, msgspec.ValidationError) as error:
        raise BadInput(f"{path}: expected the trainings that '{COMMAND}' writes; found: {error}") from None
    if document.schema > SCHEMA:
        raise BadInput(f"{path}: expected schema {SCHEMA} or older; found {document.schema}")
    tensors = read_tensors(folder / WEIGHTS)
    weights = {name: one_copy(tensors, name) for name in KEPT}
    return Trained(document.trainings, weights, f"made once, by '{printable(document.command)}', and committed")


def train(
    backends: Sequence[str], scratch: Path, folder: Path, *, timeout_s: float, on_record: OnRecord
) -> tuple[Trained, dict[str, ThetaRecord]]:
    """Train everything in every backend; the first that is installed also measures what rounding does to a training.

    Args:
        backends: by name.
        scratch: the folder for the workers' files.
        folder: where the records and the kept weights are written.
        timeout_s: how long one backend may take.
        on_record: called with each backend's record as it comes.

    Raises:
        BadInput: no backend trained.
    """
    inputs = scratch / "inputs"
    inputs.mkdir(parents=True)
    data, held_out = split_digits()
    save_tensors({"train": data, "held_out": held_out}, inputs / "digits.safetensors")
    first = next((name for name in backends if not BACKENDS[name].lacking()), None)
    chosen = {name: trainings(perturbed=name == first) for name in backends}
    workers = scratch / "workers"
    records = run_backends(backends, workers, inputs, chosen, timeout_s=timeout_s, on_record=on_record)
    done = [record for record in records.values() if record.status == "ok"]
    if not done:
        reasons = "; ".join(f"{backend}: {why}" for backend, why in absent(records.values()).items())
        raise BadInput(f"nothing was trained: {reasons}")
    return write_trained(done, tensors_of(done[0], workers), held_out, folder), records


def write_trained(done: Sequence[ThetaRecord], free: Mapping[str, Array], held_out: Array, folder: Path) -> Trained:
    """Write the records of all backends, and the kept weights of the first.

    Args:
        done: the records that are `ok`.
        free: `<training>/<weight>` of the first of them.
        held_out: [data count, data], what the trainings were scored on.
        folder: where.
    """
    scales = {
        (training.regime, training.seed, readout): _evaluation_scale(BY_NAME[training.regime], weights, held_out)
        for training in trainings(perturbed=False)
        for readout, weights in readouts(BY_NAME[training.regime], one_copy(free, training.name))
    }
    records = [
        msgspec.structs.replace(record, evaluation_scale_nats=scales[record.regime, record.seed, record.readout])
        for report in done
        for record in report.trainings
    ]
    weights = {name: one_copy(free, Training(name, SEEDS[0]).name) for name in KEPT}
    versions = {report.cell.backend: report.active.versions for report in done if report.active}
    document = msgspec.to_builtins(TrainedDocument(SCHEMA, COMMAND, versions, records))
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / RECORDS, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    save_tensors({f"{n}/{w}": t for n, own in weights.items() for w, t in own.items()}, folder / WEIGHTS)
    return Trained(records, weights, "made just now")


def _evaluation_scale(regime: Regime, weights: Mapping[str, Array], x: Array) -> float:
    """N of one log importance weight of a trained model, nats: scoring rounds as well as training."""
    noise = np.random.default_rng(4).standard_normal((1, len(x), regime.spec.latent_dim))
    problem = Problem(regime.name, regime.spec, x, noise, weights)
    return oracle.noise_scale(problem, "float64", gradients=False)["elbo_monte_carlo"]
