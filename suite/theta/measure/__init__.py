"""θ in a worker: the small models and a trained VAE, by one framework's own functions. Nothing is judged."""

from __future__ import annotations

from pathlib import Path

from ...backends import Binding
from ...reference.problem import save_tensors
from ...workers.records import Append
from ..cases import all_cases
from ..records import Asked as Asked
from ..records import ThetaRecord
from .densities import evaluate_cases
from .readings import read_digits
from .trainings import run_trainings


def measure(binding: Binding, asked: Asked, append: Append) -> None:
    """Train, or evaluate the small models and the trained VAE, and leave one record."""
    folder, inputs = Path(asked.folder), Path(asked.inputs)
    if not asked.trainings:
        save_tensors(evaluate_cases(binding, all_cases()), folder / "densities.safetensors")
        save_tensors(read_digits(binding, inputs), folder / "readings.safetensors")
    trained = run_trainings(binding, asked.trainings, inputs, folder) if asked.trainings else []
    append(ThetaRecord(backend=binding.active_backend(), versions=binding.versions(), trainings=trained))
