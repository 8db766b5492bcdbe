"""Training in a worker: a notation's objective and its gradients, at the canonical weights of each step."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ..backends import Binding
from ..notations.reader import load_notation
from ..reference.arithmetic import Exact
from ..reference.problem import Array, Problem, load_problem
from ..workers.evaluation import canonical_gradients, inputs
from ..workers.records import Append, number
from ..workers.subject import Subject, prepare
from ..workers.tasks import TasksAsked, active_of, run_each
from .ascent import Weights, ascend, bound_of
from .records import CurveRecord, TrainingTask

Asked = TasksAsked[TrainingTask]


def measure(binding: Binding, asked: TasksAsked[TrainingTask], append: Append) -> None:
    """One record per training."""
    run_each(binding, asked.tasks, partial(_run, binding), append)


def _run(binding: Binding, task: TrainingTask) -> CurveRecord:
    cell = task.cell
    notation = load_notation(Path(task.notation_file), cell.notation)
    problem = load_problem(Path(task.problem_file))
    module = import_module(f"{task.package}.{cell.framework}_vae")
    subject = prepare(binding, cell, notation, module, problem)
    objective = subject.objective()

    def measured(*tensors: Any) -> dict[str, Any]:
        return {"": binding.total(objective(*tensors))}

    forward = binding.forward(subject.model, measured, cell.mode)
    backward = binding.with_gradients(subject.model, measured, subject.paths, cell.mode)

    def gradients(part: Problem, weights: Weights) -> dict[str, Array]:
        _, by_path = backward(*_entered(subject, part, weights))
        arrays = {path: binding.array(gradient) for path, gradient in by_path.items()}
        found = canonical_gradients(subject, arrays, len(part.x))
        return {name: found[f"gradient/{name}"][None] for name in weights}

    def mean_bound(whole: Problem, weights: Weights) -> Array:
        published = forward(*_entered(subject, whole, weights))[""]
        total = subject.total_bound(float(binding.array(published)), len(whole.x), None)
        return np.asarray([total / len(whole.x)])

    bounds, _ = ascend(problem, Exact(), task.epochs, gradients, mean_bound)
    device, dtype = binding.where(forward(*inputs(subject, problem)[0])[""])
    return CurveRecord(
        cell=cell,
        status="ok",
        bound=bound_of(notation),
        bounds_nats=tuple(number(float(bound[0])) for bound in bounds),
        active=active_of(binding, device, dtype),
    )


def _entered(subject: Subject, problem: Problem, weights: Weights) -> tuple[Any, ...]:
    """Give the model the weights of a training with one run, and return the arguments of a call."""
    here = replace(problem, weights={name: weight[0] for name, weight in weights.items()})
    subject.binding.put_weights(subject.model, subject.starting_weights(here))
    (arguments,) = inputs(subject, here)
    return arguments
