"""One file per framework: put tensors and weights in, call, differentiate, compile, synchronise, read back."""

from __future__ import annotations

from importlib import import_module

from ..backends import BACKENDS
from .base import Binding, Graphs
from .training import Epoch, Training

__all__ = ["Binding", "Epoch", "Graphs", "Training", "open_binding"]


def open_binding(backend: str, device: str) -> Binding:
    """Import the backend's framework and drive it on `device` (`cpu` or `cuda`)."""
    module = import_module(f".{BACKENDS[backend].binding}", __name__)
    binding = module.open_binding(device)
    assert isinstance(binding, Binding)
    return binding
