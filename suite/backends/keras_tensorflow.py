"""Keras on TensorFlow: eager, tf.function, or tf.function compiled by XLA."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.eager import context

from .base import Array, Forward, Graphs, Model, Outputs, Tensor, WithGradients, cpu_count, variable_at
from .keras import KerasBinding


class TensorFlowBinding(KerasBinding):
    """GradientTape and tf.function."""

    backend = "keras-tensorflow"

    def state(self) -> dict[str, Any]:
        return super().state() | {
            "eager execution": tf.executing_eagerly(),
            "functions run eagerly": tf.config.functions_run_eagerly(),
            "TensorFlow's threads": tf.config.threading.get_intra_op_parallelism_threads(),
            "TensorFlow's device": context.context().device_name,
            "TensorFloat-32": tf.config.experimental.tensor_float_32_execution_enabled(),
            "soft placement": tf.config.get_soft_device_placement(),
            "operations checked": len(context.context().op_callbacks),
        }

    def public_modules(self) -> Iterable[ModuleType]:
        return [*super().public_modules(), tf, tf.math, tf.nn, tf.linalg, tf.random]

    def versions(self) -> dict[str, str]:
        return {"keras": keras.__version__, "tensorflow": tf.__version__}

    def threads(self) -> int:
        return int(tf.config.threading.get_intra_op_parallelism_threads()) or cpu_count()

    def has_device(self) -> bool:
        return self.device == "cpu" or bool(tf.config.list_physical_devices("GPU"))

    def place(self, tensor: Tensor) -> tuple[str, str]:
        device = tf.DeviceSpec.from_string(tensor.device).device_type
        return {"GPU": "cuda"}.get(device, device.lower()), tensor.dtype.name

    def on_host(self, tensor: Tensor) -> Array:
        return tensor.numpy()  # type: ignore[no-any-return]  # TensorFlow leaves it untyped

    def synchronize(self, outputs: Any) -> None:
        if self.device == "cuda":
            tf.test.experimental.sync_devices()

    def forward(self, model: Model, function: Forward, mode: str) -> Forward:
        return self.compile(function, mode)

    def with_gradients(self, model: Model, function: Forward, paths: list[str], mode: str) -> WithGradients:
        variables = [variable_at(model, path).value for path in paths]

        def call(*tensors: Tensor) -> tuple[Outputs, Outputs]:
            with tf.GradientTape() as tape:
                outputs = function(*tensors)
            gradients = tape.gradient(outputs[""], variables, unconnected_gradients="zero")
            return outputs, dict(zip(paths, gradients, strict=True))

        return self.compile(call, mode)

    def graphs(self, function: Any) -> Graphs | None:
        function = getattr(function, "compiled_step", function)
        if not isinstance(function, tf.types.experimental.PolymorphicFunction):
            return None
        traced = function.experimental_get_tracing_count()
        return Graphs(traced, 0, traced - 1)

    def compile(self, function: Forward, mode: str) -> Forward:
        """`function` as it is, as a graph, or as a graph compiled by XLA."""
        if mode in ("compiled", "compiled-xla"):
            return tf.function(function, jit_compile=mode == "compiled-xla", autograph=False)  # type: ignore[no-any-return]
        return function
