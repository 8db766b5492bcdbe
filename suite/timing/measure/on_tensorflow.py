"""Timing of Keras on TensorFlow: GradientTape with a Keras optimiser, and the rates of TensorFlow's products."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

from ...backends.base import Array, Forward, Tensor
from ...backends.keras_tensorflow import TensorFlowBinding
from ...workers.subject import Subject
from .device import native_dtype
from .on_keras import KerasTiming, KerasTraining
from .training import ADAM, Optimizer, Training


class TensorFlowTiming(KerasTiming):
    """The timing device of Keras on TensorFlow."""

    binding: TensorFlowBinding

    def training(
        self, subject: Subject, *, objective: Forward | None = None, rule: Optimizer = ADAM, mode: str = ""
    ) -> Training:
        return TensorFlowTraining(self.binding, subject, objective or subject.objective(), rule, mode or subject.mode)

    def product(self, a: Array, b: Array, dtype: str) -> dict[str, Callable[[], Tensor]]:
        if dtype == "tf32":
            return {}  # TensorFlow can only permit TF32 for a whole process
        x, y = self._native(a, dtype), self._native(b, dtype)
        compiled = self.binding.compile(tf.matmul, "compiled-xla")
        return {"matmul": lambda: tf.matmul(x, y), "XLA": lambda: compiled(x, y)}

    def read(self, vector: Array, dtype: str) -> dict[str, Callable[[], Tensor]]:
        x = self._native(vector, dtype)
        return {"reduce_sum": lambda: tf.reduce_sum(x)}

    def reset_peak_memory(self) -> None:
        if self.binding.device == "cuda":
            tf.config.experimental.reset_memory_stats("GPU:0")

    def peak_memory_bytes(self) -> int | None:
        if self.binding.device == "cpu":
            return None
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])

    def profile(self, call: Callable[[], Any], calls: int, folder: Path) -> None:
        with tf.profiler.experimental.Profile(str(folder)):
            for number in range(calls):
                # `_r` marks a step, by which the profiler's pages are divided
                with tf.profiler.experimental.Trace("call", step_num=number, _r=1):
                    call()

    def _native(self, array: Array, dtype: str) -> Tensor:
        """An array in TensorFlow's dtype of that name."""
        return tf.cast(self.binding.tensor(array, dtype), native_dtype(dtype))

    def start_compiler(self) -> None:
        self.binding.compile(lambda x: x + 1, "compiled")(tf.ones(16))


class TensorFlowTraining(KerasTraining):
    """GradientTape and a Keras optimiser."""

    def __init__(self, binding: TensorFlowBinding, subject: Subject, objective: Forward, rule: Optimizer, mode: str):
        super().__init__(binding, subject, rule)
        variables = list(self.variables.values())

        def step(x: Tensor, noise: Tensor) -> Tensor:
            with tf.GradientTape() as tape:
                value = objective(x, noise)
                loss = self.sign * value
            self.optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)
            return value

        self.compiled_step = binding.compile(step, mode)

    def step(self, x: Tensor, noise: Tensor) -> Tensor:
        return self.compiled_step(x, noise)


open_timing = TensorFlowTiming
