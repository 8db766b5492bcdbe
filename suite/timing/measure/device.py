"""The functions of a backend that timing needs beside its binding: training, rates, memory, a profiler."""

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
    """One backend on one device, as timing needs it.

    Args:
        binding: the binding of the backend.
    """

    adam_epsilon: tuple[float, bool]
    """The framework's own ε of Adam, and whether it is added to the bias-corrected root of the second moment."""

    def __init__(self, binding: Binding):
        self.binding = binding

    # What is timed

    @abstractmethod
    def training(
        self, subject: Subject, *, objective: Forward | None = None, rule: Optimizer = ADAM, mode: str = ""
    ) -> Training:
        """Steps on an objective of (x, noise), in its published sense.

        Args:
            subject: the model whose weights are trained in place.
            objective: the subject's own where it is None.
            rule: the update rule.
            mode: the subject's own where it is empty.
        """

    def predict(self, subject: Subject, function: Forward, batch: int) -> Forward:
        """`function(x)` in the way that the framework's documentation recommends for arrays of data."""
        return self.binding.forward(subject.model, function, "eager")

    def start_compiler(self) -> None:  # noqa: B027 without a compiler there is nothing to start
        """Compile something trivial: what a process pays once is then not part of its first compiled cell."""

    # The library's own rates

    @abstractmethod
    def product(self, a: Array, b: Array, dtype: str) -> dict[str, Callable[[], Tensor]]:
        """The library's own matrix products of a [m, k] and b [k, n], ready to be timed, by the name of the route.

        Operands of `bfloat16` are of that dtype themselves; the products of `tf32` are those of the GPU's cores. A
        route may lay b out beforehand, as one does with weights. None where the library has no such dtype here.
        """

    @abstractmethod
    def read(self, vector: Array, dtype: str) -> dict[str, Callable[[], Tensor]]:
        """Reductions that read every element of a vector once, ready to be timed, by the name of the route."""

    # Memory and traces

    @abstractmethod
    def reset_peak_memory(self) -> None:
        """Forget the device memory that was in use at most until now, where the library can."""

    @abstractmethod
    def peak_memory_bytes(self) -> int | None:
        """Device memory that was in use at most; None on the CPU, whose memory is the process's."""

    @abstractmethod
    def profile(self, call: Callable[[], Any], calls: int, folder: Path) -> None:
        """Leave the framework's own trace of some calls in an empty folder, each call marked as a step of it.

        Where the framework itself makes a table of the costliest operations, it is beside the trace as a `.txt`.
        """


def native_dtype(dtype: str) -> str:
    """The library's own dtype of a name; a binding keeps bfloat16 in float32."""
    return "bfloat16" if dtype == "bfloat16" else base_dtype(dtype)


def open_timing(binding: Binding) -> TimingDevice:
    """What timing needs of a binding's backend."""
    device: TimingDevice = import_module(f".{_MODULES[binding.backend]}", __package__).open_timing(binding)
    return device
