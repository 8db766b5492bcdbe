"""Timing of Keras on JAX: value_and_grad with a stateless optimiser, and the rates of JAX' products."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax

from ...backends.base import Array, Forward, Tensor
from ...backends.keras import stateless
from ...backends.keras_jax import JaxBinding
from ...workers.subject import Subject
from .device import native_dtype
from .on_keras import KerasTiming, KerasTraining
from .training import ADAM, Optimizer, Training


class JaxTiming(KerasTiming):
    """The timing device of Keras on JAX."""

    binding: JaxBinding

    def training(
        self, subject: Subject, *, objective: Forward | None = None, rule: Optimizer = ADAM, mode: str = ""
    ) -> Training:
        return JaxTraining(self.binding, subject, objective or subject.objective(), rule, mode or subject.mode)

    def product(self, a: Array, b: Array, dtype: str) -> dict[str, Callable[[], Tensor]]:
        if dtype == "tf32" and self.binding.device == "cpu":
            return {}
        x, y = self._native(a, dtype), self._native(b, dtype)
        precision = jax.lax.DotAlgorithmPreset.TF32_TF32_F32 if dtype == "tf32" else None
        compiled = jax.jit(lambda x, y: jax.numpy.dot(x, y, precision=precision))
        return {"dot": lambda: compiled(x, y)}

    def read(self, vector: Array, dtype: str) -> dict[str, Callable[[], Tensor]]:
        x = self._native(vector, dtype)
        compiled = jax.jit(jax.numpy.sum)
        return {"sum": lambda: compiled(x)}

    def reset_peak_memory(self) -> None:
        """Nothing: JAX cannot reset its peak, which is of the whole process."""

    def peak_memory_bytes(self) -> int | None:
        if self.binding.device == "cpu":
            return None
        stats = next(d for d in jax.devices() if d.platform == "gpu").memory_stats() or {}
        return stats.get("peak_bytes_in_use")

    def profile(self, call: Callable[[], Any], calls: int, folder: Path) -> None:
        with jax.profiler.trace(str(folder)):
            for number in range(calls):
                with jax.profiler.StepTraceAnnotation("call", step_num=number):
                    call()

    def _native(self, array: Array, dtype: str) -> Tensor:
        """An array in JAX' dtype of that name."""
        return self.binding.tensor(array, dtype).astype(native_dtype(dtype))

    def start_compiler(self) -> None:
        self.binding.synchronize(jax.jit(lambda x: x + 1)(jax.numpy.ones(16)))


class JaxTraining(KerasTraining):
    """value_and_grad and the optimiser's stateless form; the state is written back when it is read."""

    def __init__(self, binding: JaxBinding, subject: Subject, objective: Forward, rule: Optimizer, mode: str):
        super().__init__(binding, subject, rule)
        variables = list(self.variables.values())

        def scored(values: list[Tensor], x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
            value = stateless(variables, values, objective, x, noise)
            return self.sign * value, value

        def step(
            values: list[Tensor], slots: list[Tensor], x: Tensor, noise: Tensor
        ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
            (_, value), gradients = jax.value_and_grad(scored, has_aux=True)(values, x, noise)
            values, slots = self.optimizer.stateless_apply(slots, gradients, values)
            return value, values, slots

        self.compiled_step = binding.compile(step, mode)
        self._read()

    def _read(self) -> None:
        self.values = [v.value for v in self.variables.values()]
        self.slots = [v.value for v in self.optimizer.variables]

    def step(self, x: Tensor, noise: Tensor) -> Tensor:
        value, self.values, self.slots = self.compiled_step(self.values, self.slots, x, noise)
        return value

    def pending(self) -> Any:
        return self.values, self.slots

    def restore(self, weights: Mapping[str, Array]) -> None:
        super().restore(weights)
        self._read()

    def _write_back(self) -> None:
        for variable, value in zip(self.variables.values(), self.values, strict=True):
            variable.assign(value)
        for variable, value in zip(self.optimizer.variables, self.slots, strict=True):
            variable.assign(value)

    def weights(self) -> dict[str, Array]:
        self._write_back()
        return super().weights()

    def first_moments(self) -> dict[str, Array]:
        self._write_back()
        return super().first_moments()


open_timing = JaxTiming
