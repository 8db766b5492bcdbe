"""θ in a worker: the small models and a trained VAE, by one framework's own functions. Nothing is judged."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from ...backends import Binding
from ...reference.problem import save_tensors
from ...workers.records import Append
from ...workers.tasks import TasksAsked, active_of, run_each
from ..cases import all_cases
from ..records import ThetaRecord, ThetaTask
from .densities import evaluate_cases
from .readings import read_digits
from .trainings import run_trainings
from .vae import DTYPE

Asked = TasksAsked[ThetaTask]


def measure(binding: Binding, asked: TasksAsked[ThetaTask], append: Append) -> None:
    """Do each task, and write its tensors to the requested folder."""
    run_each(binding, asked.tasks, partial(_run, binding, Path(asked.tensors)), append)


def _run(binding: Binding, folder: Path, task: ThetaTask) -> ThetaRecord:
    """Train, or evaluate the small models and the trained VAE."""
    inputs = Path(task.inputs)
    if task.trainings:
        tensors, trained = run_trainings(binding, task.trainings, inputs)
    else:
        tensors, trained = {**evaluate_cases(binding, all_cases()), **read_digits(binding, inputs)}, []
    path = folder / f"{task.cell.key}.safetensors"
    save_tensors(tensors, path)
    active = active_of(binding, *binding.where(binding.tensor(np.zeros(1), DTYPE)))
    return ThetaRecord(cell=task.cell, status="ok", tensors=path.name, active=active, trainings=trained)
