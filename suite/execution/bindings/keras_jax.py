"""Keras on JAX: op by op, or jitted. Weights enter every function as arguments (StatelessScope)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import keras
import numpy as np

from ..backends import base_dtype
from .base import Array, Binding, Forward, Graphs, Model, Rows, Slopes, Tensor, cpu_count, variable_at
from .keras import KerasBinding, KerasTraining, stateless
from .training import Optimizer, Training


class JaxBinding(KerasBinding):
    """jax.value_and_grad and jax.jit over a stateless call."""

    backend = "keras-jax"

    def versions(self) -> dict[str, str]:
        return {"keras": keras.__version__, "jax": jax.__version__, "jaxlib": version("jaxlib")}

    def threads(self) -> int:
        return cpu_count()  # XLA on the CPU takes all it may use

    def has_device(self) -> bool:
        return self.device == "cpu" or any(d.platform == "gpu" for d in jax.devices())

    def place(self, tensor: Tensor) -> tuple[str, str]:
        platform = next(iter(tensor.devices())).platform
        return {"gpu": "cuda"}.get(platform, platform), str(tensor.dtype)

    def seed(self, seed: int) -> None:
        np.random.seed(seed)

    def minibatches(self, adapter: Any) -> Iterable[Any]:
        return adapter.get_jax_iterator()  # type: ignore[no-any-return]  # Keras has no type information

    def synchronize(self, outputs: Any) -> None:
        jax.block_until_ready(outputs)  # type: ignore[no-untyped-call]  # JAX leaves it untyped

    def forward(self, model: Model, function: Forward, mode: str) -> Forward:
        return JaxForward(self, model, function, mode)

    def with_gradients(
        self, model: Model, function: Forward, paths: list[str], mode: str
    ) -> Callable[..., tuple[dict[str, Tensor], dict[str, Tensor]]]:
        variables = [variable_at(model, path) for path in paths]

        def scored(values: list[Tensor], *tensors: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
            outputs = stateless(variables, values, function, *tensors)
            return outputs[""], outputs

        differentiated = self.compile(jax.value_and_grad(scored, has_aux=True), mode)

        def call(*tensors: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
            (_, outputs), gradients = differentiated([v.value for v in variables], *tensors)
            return outputs, dict(zip(paths, gradients, strict=True))

        call.compiled_step = differentiated  # type: ignore[attr-defined]  # what `graphs` asks for
        return call

    def training(
        self, model: Model, objective: Forward, sign: int, paths: list[str], optimizer: Optimizer, mode: str
    ) -> Training:
        return JaxTraining(self, model, objective, sign, paths, optimizer, mode)

    def slopes(self, function: Rows, *, gradients: bool) -> Callable[[Mapping[str, Array], Sequence[Array]], Slopes]:
        compiled = jax.jit(function)
        differentiated = jax.jit(jax.jacrev(function))  # rows → weights → derivative

        def call(weights: Mapping[str, Array], arrays: Sequence[Array]) -> Slopes:
            inputs = {name: self.tensor(weight, "float64") for name, weight in weights.items()}
            tensors = [self.tensor(array, "float64") for array in arrays]
            found = differentiated(inputs, tensors) if gradients else []
            rows = compiled(inputs, tensors)
            return [self.array(row) for row in rows], [{n: self.array(s) for n, s in row.items()} for row in found]

        return call

    def graphs(self, function: Any) -> Graphs | None:
        function = getattr(function, "compiled_step", function)
        if not hasattr(function, "_cache_size"):
            return None
        traced = function._cache_size()
        return Graphs(traced, 0, traced - 1)

    def product(self, a: Array, b: Array, dtype: str) -> dict[str, Callable[[], Tensor]]:
        if dtype == "tf32" and self.device == "cpu":
            return {}
        x, y = self._native(a, dtype), self._native(b, dtype)
        precision = jax.lax.DotAlgorithmPreset.TF32_TF32_F32 if dtype == "tf32" else None
        compiled = jax.jit(lambda x, y: jax.numpy.dot(x, y, precision=precision))
        return {"dot": lambda: compiled(x, y)}

    def read(self, vector: Array, dtype: str) -> dict[str, Callable[[], Tensor]]:
        x = self._native(vector, dtype)
        compiled = jax.jit(jax.numpy.sum)
        return {"sum": lambda: compiled(x)}

    def copy(self, vector: Array) -> Callable[[], Tensor]:
        x = self._native(vector, str(vector.dtype))
        compiled = jax.jit(jax.numpy.copy)
        return lambda: compiled(x)

    def reset_peak_memory(self) -> None:
        """JAX has no way to: its peak is the process's until then."""

    def peak_memory_bytes(self) -> int | None:
        if self.device == "cpu":
            return None
        stats = next(d for d in jax.devices() if d.platform == "gpu").memory_stats() or {}
        return stats.get("peak_bytes_in_use")

    def profile(self, call: Callable[[], Any], calls: int, folder: Path) -> None:
        with jax.profiler.trace(str(folder)):
            for number in range(calls):
                with jax.profiler.StepTraceAnnotation("call", step_num=number):
                    outputs = call()
            self.synchronize(outputs)  # which a call that is not awaited leaves under way

    def _native(self, array: Array, dtype: str) -> Tensor:
        """An array in JAX' own dtype of that name."""
        return self.tensor(array, dtype).astype("bfloat16" if dtype == "bfloat16" else base_dtype(dtype))

    def start_compiler(self) -> None:
        self.synchronize(jax.jit(lambda x: x + 1)(jax.numpy.ones(16)))

    def compile(self, function: Forward, mode: str) -> Forward:
        """`function` as it is, or jitted."""
        return jax.jit(function) if mode == "compiled" else function


class JaxForward:
    """A forward function whose weights are read at every call."""

    def __init__(self, binding: JaxBinding, model: Model, function: Forward, mode: str):
        self.variables = binding.variables(model)
        self.mode = mode
        self.function = function

        def call(values: list[Tensor], *tensors: Tensor) -> Any:
            return stateless(self.variables, values, function, *tensors)

        self.compiled_step = binding.compile(call, mode)

    def __call__(self, *tensors: Tensor) -> Any:
        if self.mode != "compiled":
            return self.function(*tensors)
        return self.compiled_step([v.value for v in self.variables], *tensors)


class JaxTraining(KerasTraining):
    """value_and_grad and the optimiser's stateless form; the state is written back when it is asked for."""

    def __init__(
        self,
        binding: JaxBinding,
        model: Model,
        objective: Forward,
        sign: int,
        paths: list[str],
        rule: Optimizer,
        mode: str,
    ):
        super().__init__(binding, model, paths, rule)
        variables = list(self.variables.values())

        def scored(values: list[Tensor], x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
            value = stateless(variables, values, objective, x, noise)
            return sign * value, value

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


def open_binding(device: str) -> Binding:
    """The Keras-on-JAX binding on `device`."""
    return JaxBinding(device)
