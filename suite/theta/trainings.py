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
from .plan import BY_NAME, SEEDS, Regime, Training, readouts, split_digits, trainings
from .records import Asked, TrainingRecord
from .start import OnOutcome, Outcome, run_jobs

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
    weights = {
        name: {n.removeprefix(f"{name}/"): t for n, t in tensors.items() if n.startswith(f"{name}/")} for name in KEPT
    }
    return Trained(document.trainings, weights, f"made once, by '{printable(document.command)}', and committed")


def train(
    backends: Sequence[str], scratch: Path, folder: Path, *, timeout_s: float, on_outcome: OnOutcome
) -> tuple[Trained, dict[str, Outcome]]:
    """Train everything in every backend; the first that is installed also measures what rounding does to a training.

    Args:
        backends: by name.
        scratch: the folder for the workers' files.
        folder: where the records and the kept weights are written.
        timeout_s: how long one backend may take.
        on_outcome: called with each backend's outcome as it comes.

    Raises:
        BadInput: no backend trained.
    """
    inputs = scratch / "inputs"
    inputs.mkdir(parents=True)
    data, held_out = split_digits()
    save_tensors({"train": data, "held_out": held_out}, inputs / "digits.safetensors")
    first = next((name for name in backends if not BACKENDS[name].lacking()), None)
    jobs = {
        name: Asked(str(inputs), str(scratch / "workers" / name), trainings(moved=name == first)) for name in backends
    }
    outcomes = run_jobs(jobs, timeout_s=timeout_s, on_outcome=on_outcome)
    done = [outcome for outcome in outcomes.values() if outcome.status == "ok"]
    if not done:
        reasons = "; ".join(f"{o.backend}: {o.status}: {o.reason}" for o in outcomes.values())
        raise BadInput(f"nothing was trained: {reasons}")
    return write_trained(done, held_out, folder), outcomes


def write_trained(done: Sequence[Outcome], held_out: Array, folder: Path) -> Trained:
    """Write the records of all backends, and the kept weights of the first.

    Args:
        done: the outcomes that are `ok`.
        held_out: [data count, data], what the trainings were scored on.
        folder: where.
    """
    scales = {
        (training.regime, training.seed, readout): _evaluation_scale(BY_NAME[training.regime], weights, held_out)
        for training in trainings(moved=False)
        for readout, weights in readouts(BY_NAME[training.regime], read_tensors(done[0].folder / training.file))
    }
    reports = {outcome.backend: outcome.record for outcome in done if outcome.record is not None}
    records = [
        msgspec.structs.replace(record, evaluation_scale_nats=scales[record.regime, record.seed, record.readout])
        for report in reports.values()
        for record in report.trainings
    ]
    weights = {name: read_tensors(done[0].folder / Training(name, SEEDS[0]).file) for name in KEPT}
    document = {
        "schema": SCHEMA,
        "command": COMMAND,
        "versions": {backend: report.versions for backend, report in reports.items()},
        "trainings": msgspec.to_builtins(records),
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / RECORDS, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    save_tensors({f"{n}/{w}": t for n, own in weights.items() for w, t in own.items()}, folder / WEIGHTS)
    (folder / WEIGHTS).chmod(0o644)
    return Trained(records, weights, "made just now")


def _evaluation_scale(regime: Regime, weights: Mapping[str, Array], x: Array) -> float:
    """N of one log importance weight of a trained model, nats: scoring rounds as well as training."""
    noise = np.random.default_rng(4).standard_normal((1, len(x), regime.spec.latent_dim))
    problem = Problem(regime.name, regime.spec, x, noise, weights)
    return oracle.noise_scale(problem, "float64", gradients=False)["elbo_monte_carlo"]
