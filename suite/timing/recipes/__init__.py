"""Recipes that make a stage fast within its framework, and the export of a model to ONNX Runtime.

A framework's module has the functions `forward` and `training`, which take the names of the steps that are turned on.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from ...backends.base import Forward, Tensor
from ...workers.subject import Subject
from ..measure.training import Training
from .table import steps_of, turned_on

_MODULES = {"torch": "torch_recipes", "keras-tensorflow": "tensorflow_recipes", "keras-jax": "jax_recipes"}


def tuned_forward(
    subject: Subject, stage: str, last_step: str, function: Forward, inputs: tuple[Tensor, ...], batch: int
) -> Forward:
    """`function` without gradients, with the optimisation steps up to `last_step`.

    Args:
        subject: the model that has the method.
        stage: one of `table.FORWARD`.
        last_step: the last step that is turned on.
        function: `encoder`, `decoder` or the objective.
        inputs: example arguments; they may fix the shapes.
        batch: images per call.

    Raises:
        ValueError: the stage has no such step.
    """
    on = _on(subject, stage, last_step, batch)
    made: Forward = _module(subject).forward(subject, function, inputs, on)
    return made


def tuned_training(subject: Subject, last_step: str, inputs: tuple[Tensor, Tensor], batch: int) -> Training:
    """Training steps by `training.ADAM` on the published objective; arguments and errors as `tuned_forward`."""
    on = _on(subject, "training_step", last_step, batch)
    made: Training = _module(subject).training(subject, inputs, on)
    return made


def exported(subject: Subject, function: Forward, inputs: tuple[Tensor, ...]) -> Forward:
    """`function(*inputs)` by ONNX Runtime, on tensors of the framework; see `torch_exported.exported`."""
    found: Forward = import_module(".torch_exported", __name__).exported(subject, function, inputs)
    return found


def _on(subject: Subject, stage: str, last_step: str, batch: int) -> frozenset[str]:
    binding = subject.binding
    return turned_on(steps_of(binding.backend, subject.spec, stage, batch, subject.dtype, binding.device), last_step)


def _module(subject: Subject) -> ModuleType:
    return import_module(f".{_MODULES[subject.binding.backend]}", __name__)
