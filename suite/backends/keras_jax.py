"""Keras on JAX: op by op, or jitted. Weights enter every function as arguments (StatelessScope)."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import jax
import keras

from .base import Binding, Forward, Graphs, Model, Tensor, cpu_count, variable_at
from .keras import KerasBinding, stateless


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

    def graphs(self, function: Any) -> Graphs | None:
        function = getattr(function, "compiled_step", function)
        if not hasattr(function, "_cache_size"):
            return None
        traced = function._cache_size()
        return Graphs(traced, 0, traced - 1)

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


def open_binding(device: str) -> Binding:
    """The Keras-on-JAX binding on `device`."""
    return JaxBinding(device)
