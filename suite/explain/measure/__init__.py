"""What the worker does: import the user's file, run the experiments, and leave one record."""

from __future__ import annotations

import resource
import time
import traceback
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

from ...reference.errors import BadInput
from ...workers.records import Append
from ..answer import Answer
from ..conclusions import conclude
from ..investigation import investigate
from ..lab import Called
from ..records import Asked, Explained
from .load import load

__all__ = ["Asked", "explained", "measure"]

ADAPTERS = {
    "torch": ("on_torch", "TorchLoss"),
    "tensorflow": ("on_tensorflow", "TensorflowLoss"),
    "jax": ("on_jax", "JaxLoss"),
    "numpy": ("on_numpy", "NumpyLoss"),
}
"""Framework → module and class of its adapter."""
_LARGEST_FILE = 64 * 2**20
_MEMORY = 12 * 2**30


def measure(binding: object, asked: Asked, append: Append) -> None:
    """Leave one record; the binding is not used, since the user's file imports its own framework."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_FILE, _LARGEST_FILE))
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    append(explained(asked))


def explained(asked: Asked) -> Explained:
    """Import and explain; what the user's file raises is an outcome."""
    if asked.keras:
        import_module("keras").config.set_floatx("float64")
    module, name = ADAPTERS[asked.framework]
    adapter = getattr(import_module(f".{module}", __name__), name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            function, source = load(asked.target, asked.name)
        except BaseException as error:
            return Explained(raised=f"{asked.target}:{asked.name}: {type(error).__name__}: {error}"[:500])
        try:
            return Explained(answer=explain(adapter(function), function, source, asked))
        except BadInput as error:
            return Explained(bad_input=f"{asked.target}:{asked.name}: {error}")
        except Exception as error:  # a fault of these experiments, which a user can only report
            trace = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{trace.filename.rsplit('/', 1)[-1]}, line {trace.lineno}"
            return Explained(raised=f"an experiment failed: {type(error).__name__}: {error} ({where})"[:500])


def explain(loss: Called, function: Callable[..., Any], source: str, asked: Asked) -> Answer:
    """The answer for a loss that is imported."""
    found = investigate(loss, function, source, asked.arguments, asked.set)
    known = {**asked.at, **{n: float(v) for n, v in asked.set.items() if isinstance(v, int | float)}}
    return conclude(found, f"{asked.target}:{asked.name}", known, time.time() - asked.started)
