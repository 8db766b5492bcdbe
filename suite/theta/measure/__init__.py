"""θ in a worker: the small models and a trained VAE, by one framework's own functions. Nothing is judged."""

from __future__ import annotations

import time
from pathlib import Path

from ...backends import Binding
from ...reference.problem import save_tensors
from ...workers.records import Append
from ..cases import all_cases
from ..records import Asked as Asked
from ..records import ThetaRecord, TrainingRecord
from .densities import evaluate_cases
from .readings import read_digits
from .trainings import run_trainings


def measure(binding: Binding, asked: Asked, append: Append) -> None:
    """Do the tasks in order, and leave one record."""
    folder, inputs = Path(asked.folder), Path(asked.inputs)
    elapsed_s: dict[str, float] = {}
    trained: list[TrainingRecord] = []
    for task in asked.tasks:
        started = time.perf_counter()
        if task == "densities":
            save_tensors(evaluate_cases(binding, all_cases()), folder / "densities.safetensors")
        elif task == "readings":
            save_tensors(read_digits(binding, inputs), folder / "readings.safetensors")
        else:
            trained = run_trainings(binding, asked.trainings, inputs, folder)
        elapsed_s[task] = round(time.perf_counter() - started, 3)
    append(
        ThetaRecord(
            backend=binding.active_backend(), versions=binding.versions(), elapsed_s=elapsed_s, trainings=trained
        )
    )
