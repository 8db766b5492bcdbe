"""Keras on JAX: op by op, or jitted. Weights enter every function as arguments (StatelessScope)."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special
import keras

from .base import Forward, Graphs, Model, Outputs, Tensor, WithGradients, cpu_count, variable_at
from .keras import KerasBinding, stateless


class JaxBinding(KerasBinding):
    """jax.value_and_grad and jax.jit over a stateless call."""

    backend = "keras-jax"

    def state(self) -> dict[str, Any]:
        # `jax.config.values` lacks what a context manager has set in this thread.
        return super().state() | {f"JAX's {name}": getattr(jax.config, name, None) for name in jax.config.values}

    def public_modules(self) -> Iterable[ModuleType]:
        return [*super().public_modules(), jax, jnp, jnp.linalg, jax.nn, jax.lax, jax.random, jax.scipy.special]

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
        if mode != "compiled":
            return function
        variables = self.variables(model)
        jitted = jax.jit(lambda values, *tensors: stateless(variables, values, function, *tensors))

        def call(*tensors: Tensor) -> Any:
            return jitted([v.value for v in variables], *tensors)

        call.compiled_step = jitted  # type: ignore[attr-defined]  # what `graphs` asks for
        return call

    def with_gradients(self, model: Model, function: Forward, paths: list[str], mode: str) -> WithGradients:
        variables = [variable_at(model, path) for path in paths]

        def scored(values: list[Tensor], *tensors: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
            outputs = stateless(variables, values, function, *tensors)
            return outputs[""], outputs

        differentiated = self.compile(jax.value_and_grad(scored, has_aux=True), mode)

        def call(*tensors: Tensor) -> tuple[Outputs, Outputs]:
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
