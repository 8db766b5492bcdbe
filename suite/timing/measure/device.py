"""The functions of a backend for timing, beside its binding: training, rates, memory, a profiler."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from ...backends import Binding
from ...backends.base import Array, Forward, Tensor
from ...backends.table import base_dtype
from ...workers.subject import Subject
from .training import ADAM, Optimizer, Training

_MODULES = {
    "torch": "on_torch",
    "keras-tensorflow": "on_tensorflow",
    "keras-jax": "on_jax",
    "keras-torch": "on_keras_torch",
}


class TimingDevice(ABC):
    """The functions of one backend on one device for timing.

    Args:
        binding: the binding of the backend.
    """

    adam_epsilon: tuple[float, bool]
    """The framework's ε of Adam, and whether it is added to the bias-corrected root of the second moment."""

    def __init__(self, binding: Binding):
        self.binding = binding

    # Timed calls

    @abstractmethod
    def training(
        self, subject: Subject, *, objective: Forward | None = None, rule: Optimizer = ADAM, mode: str = ""
    ) -> Training:
        """Steps on an objective of (x, noise), in its published sense.

        Args:
            subject: the model whose weights are trained in place.
            objective: the objective; None for the subject's.
            rule: the update rule.
            mode: the mode of execution; empty for the subject's.
        """

    def predict(self, subject: Subject, function: Forward, batch: int) -> Forward:
        """`function(x)` in the way that the framework's documentation recommends for arrays of data."""
        return self.binding.forward(subject.model, function, "eager")

    def start_compiler(self) -> None:  # noqa: B027 without a compiler there is nothing to start
        """Compile a trivial function, so that the compiler's start is not part of the first compiled cell."""

    # Rates of the library

    @abstractmethod
    def product(self, a: Array, b: Array, dtype: str) -> dict[str, Callable[[], Tensor]]:
        """The library's matrix products of a [m, k] and b [k, n], ready to be timed, by the name of the route.

        For `bfloat16` the operands have that dtype; `tf32` is computed by the GPU's tensor cores. A route may pack b
        beforehand, as weights are packed. Empty where the library lacks the dtype on this device.
        """

    @abstractmethod
    def read(self, vector: Array, dtype: str) -> dict[str, Callable[[], Tensor]]:
        """Reductions that read every element of a vector once, ready to be timed, by the name of the route."""

    # Memory and traces

    @abstractmethod
    def reset_peak_memory(self) -> None:
        """Reset the peak of device memory, where the library can."""

    @abstractmethod
    def peak_memory_bytes(self) -> int | None:
        """The peak of device memory, in bytes; None on the CPU, whose memory is the process's."""

    @abstractmethod
    def profile(self, call: Callable[[], Any], calls: int, folder: Path) -> None:
        """Write the framework's trace of `calls` calls to an empty folder; each call is marked as a step.

        Where the framework also makes a table of the costliest operations, the table is a `.txt` beside the trace.
        """


def native_dtype(dtype: str) -> str:
    """The library's name of a dtype; a binding keeps bfloat16 in float32."""
    return "bfloat16" if dtype == "bfloat16" else base_dtype(dtype)


def open_timing(binding: Binding) -> TimingDevice:
    """The timing device of a binding's backend."""
    device: TimingDevice = import_module(f".{_MODULES[binding.backend]}", __package__).open_timing(binding)
    return device
