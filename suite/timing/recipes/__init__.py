"""Recipes: what makes a stage fast within its framework, and ONNX Runtime, which a model can be exported to."""

from __future__ import annotations

from importlib import import_module

from ...backends import Binding
from ...backends.base import Forward, Tensor
from ...workers.subject import Subject
from .base import Step, Tuner

__all__ = ["Step", "Tuner", "exported", "open_tuner"]

_MODULES = {"torch": "torch_steps", "keras-tensorflow": "tensorflow_steps", "keras-jax": "jax_steps"}


def open_tuner(binding: Binding) -> Tuner:
    """The recipes of a binding's framework. Raises KeyError where there are none."""
    tuner: Tuner = import_module(f".{_MODULES[binding.backend]}", __name__).open_tuner(binding)
    return tuner


def exported(subject: Subject, function: Forward, inputs: tuple[Tensor, ...]) -> Forward:
    """`function(*inputs)` by ONNX Runtime, on tensors of the framework; see `torch_exported.exported`."""
    found: Forward = import_module(".torch_exported", __name__).exported(subject, function, inputs)
    return found
