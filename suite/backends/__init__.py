"""One file per backend, with its name; `keras` and `on_torch` have the code that several backends share.

A binding puts tensors and weights in, calls, differentiates, compiles, synchronises and reads back.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from .base import Binding, Graphs
from .table import BACKENDS

__all__ = ["Binding", "Graphs", "open_binding"]

# Keras imports them where they are installed, for wrappers and plots that no worker uses: this takes half of the
# seconds of a worker's start.
_OPTIONAL_TO_KERAS = ("matplotlib", "pandas", "sklearn")


def open_binding(backend: str, device: str) -> Binding:
    """Import the backend's framework and drive it on `device` (`cpu` or `cuda`)."""
    with _hidden(_OPTIONAL_TO_KERAS):
        module, _, name = BACKENDS[backend].binding.partition(".")
        binding = getattr(import_module(f".{module}", __name__), name)(device)
    assert isinstance(binding, Binding)
    return binding


@contextmanager
def _hidden(names: tuple[str, ...]) -> Iterator[None]:
    """Until the block ends, those of the packages that are not imported yet cannot be imported."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: importing it raises ImportError
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
