"""The fastest that each framework offers without leaving it, and ONNX Runtime, which a model can be exported to."""

from __future__ import annotations

from importlib import import_module

from ..bindings import Binding
from ..bindings.base import Forward, Tensor
from ..subject import Subject
from .base import Rung, Tuner

__all__ = ["Rung", "Tuner", "exported", "open_tuner"]

_MODULES = {"torch": "torch_tuner", "keras-tensorflow": "tensorflow_tuner", "keras-jax": "jax_tuner"}


def open_tuner(binding: Binding) -> Tuner:
    """The ladders of a binding's framework. Raises KeyError where nobody has written any."""
    module = import_module(f".{_MODULES[binding.backend]}", __name__)
    tuner = module.open_tuner(binding)
    assert isinstance(tuner, Tuner)
    return tuner


def exported(subject: Subject, function: Forward, inputs: tuple[Tensor, ...]) -> Forward:
    """`function(*inputs)` by ONNX Runtime, on tensors of the framework; see `torch_exported.exported`."""
    found: Forward = import_module(".torch_exported", __name__).exported(subject, function, inputs)
    return found
