"""The child process: one backend, and the tasks that `elbostone theta` asks of it.

Run as `python -m elbostone.execution.theta.worker JOB.json`. Each task leaves `<task>.safetensors` in the job's folder,
or entries in `outcome.json`, which is written last; nothing is judged.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...definition.problem import save_tensors
from ...definition.theta.cases import all_cases
from ...definition.theta.training import Training
from ..bindings import Binding, open_binding
from ..child import settle
from .densities import evaluate_cases
from .readings import read_digits
from .training import run_trainings

Task = Callable[[Binding, Path, dict[str, Any]], Any]


def densities(binding: Binding, folder: Path, job: dict[str, Any]) -> None:
    """The small models: `densities.safetensors`."""
    save_tensors(evaluate_cases(binding, all_cases()), folder / "densities.safetensors")


def readings(binding: Binding, folder: Path, job: dict[str, Any]) -> None:
    """The trained VAE: `readings.safetensors`."""
    save_tensors(read_digits(binding, Path(job["inputs"])), folder / "readings.safetensors")


def trainings(binding: Binding, folder: Path, job: dict[str, Any]) -> list[dict[str, Any]]:
    """The trainings of the job: their weights, and a record of each."""
    return run_trainings(binding, [Training(**item) for item in job["trainings"]], Path(job["inputs"]), folder)


TASKS: dict[str, Task] = {"densities": densities, "readings": readings, "trainings": trainings}


def run_job(job: dict[str, Any]) -> None:
    """Do the job's tasks in order."""
    settle(job["cpus"])
    binding = open_binding(job["backend"], "cpu")
    folder = Path(job["folder"])
    outcome: dict[str, Any] = {"backend": binding.active_backend(), "versions": binding.versions()}
    for name in job["tasks"]:
        started = time.perf_counter()
        outcome[name] = TASKS[name](binding, folder, job)
        outcome[f"{name}_s"] = round(time.perf_counter() - started, 3)
    (folder / "outcome.json").write_text(json.dumps(outcome), encoding="utf-8")


def main(arguments: list[str]) -> None:
    run_job(json.loads(Path(arguments[0]).read_text(encoding="utf-8")))


if __name__ == "__main__":
    main(sys.argv[1:])
