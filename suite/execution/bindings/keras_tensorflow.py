"""Keras on TensorFlow: eager, tf.function, or tf.function compiled by XLA."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..backends import base_dtype
from .base import Array, Binding, Forward, Graphs, Model, Rows, Slopes, Tensor, cpu_count, variable_at
from .keras import KerasBinding, KerasTraining
from .training import Optimizer, Training


class TensorFlowBinding(KerasBinding):
    """GradientTape and tf.function."""

    backend = "keras-tensorflow"

    def versions(self) -> dict[str, str]:
        return {"keras": keras.__version__, "tensorflow": tf.__version__}

    def threads(self) -> int:
        return int(tf.config.threading.get_intra_op_parallelism_threads()) or cpu_count()

    def has_device(self) -> bool:
        return self.device == "cpu" or bool(tf.config.list_physical_devices("GPU"))

    def place(self, tensor: Tensor) -> tuple[str, str]:
        device = tf.DeviceSpec.from_string(tensor.device).device_type
        return {"GPU": "cuda"}.get(device, device.lower()), tensor.dtype.name

    def array(self, tensor: Tensor) -> Array:
        if isinstance(tensor, np.ndarray):  # what `predict` returned
            return tensor
        return tensor.numpy()  # type: ignore[no-any-return]  # TensorFlow leaves it untyped

    def seed(self, seed: int) -> None:
        tf.random.set_seed(seed)

    def minibatches(self, adapter: Any) -> Iterable[Any]:
        return adapter.get_tf_dataset()  # type: ignore[no-any-return]  # Keras has no type information

    def synchronize(self, outputs: Any) -> None:
        if self.device == "cuda":
            tf.test.experimental.sync_devices()

    def forward(self, model: Model, function: Forward, mode: str) -> Forward:
        return self.compile(function, mode)

    def with_gradients(
        self, model: Model, function: Forward, paths: list[str], mode: str
    ) -> Callable[..., tuple[dict[str, Tensor], dict[str, Tensor]]]:
        variables = [variable_at(model, path).value for path in paths]

        def call(*tensors: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
            with tf.GradientTape() as tape:
                outputs = function(*tensors)
            gradients = tape.gradient(outputs[""], variables, unconnected_gradients="zero")
            return outputs, dict(zip(paths, gradients, strict=True))

        return self.compile(call, mode)

    def training(
        self, model: Model, objective: Forward, sign: int, paths: list[str], optimizer: Optimizer, mode: str
    ) -> Training:
        return TensorFlowTraining(self, model, objective, sign, paths, optimizer, mode)

    def slopes(self, function: Rows, *, gradients: bool) -> Callable[[Mapping[str, Array], Sequence[Array]], Slopes]:
        def differentiated(weights: Mapping[str, Tensor], tensors: list[Tensor]) -> Any:
            with tf.GradientTape(persistent=True) as tape:
                for weight in weights.values():
                    tape.watch(weight)
                rows = function(weights, tensors)
            return rows, [tape.gradient(row, weights, unconnected_gradients="zero") for row in rows if gradients]

        compiled = self.compile(differentiated, "compiled")

        def call(weights: Mapping[str, Array], arrays: Sequence[Array]) -> Slopes:
            inputs = {name: self.tensor(weight, "float64") for name, weight in weights.items()}
            rows, found = compiled(inputs, [self.tensor(array, "float64") for array in arrays])
            return [self.array(row) for row in rows], [{n: self.array(s) for n, s in row.items()} for row in found]

        return call

    def graphs(self, function: Any) -> Graphs | None:
        function = getattr(function, "compiled_step", function)
        if not isinstance(function, tf.types.experimental.PolymorphicFunction):
            return None
        traced = function.experimental_get_tracing_count()
        return Graphs(traced, 0, traced - 1)

    def product(self, a: Array, b: Array, dtype: str) -> dict[str, Callable[[], Tensor]]:
        if dtype == "tf32":
            return {}  # TensorFlow allows it for a whole process alone
        x, y = self._native(a, dtype), self._native(b, dtype)
        compiled = self.compile(tf.matmul, "compiled-xla")
        return {"matmul": lambda: tf.matmul(x, y), "XLA": lambda: compiled(x, y)}

    def read(self, vector: Array, dtype: str) -> dict[str, Callable[[], Tensor]]:
        x = self._native(vector, dtype)
        return {"reduce_sum": lambda: tf.reduce_sum(x)}

    def copy(self, vector: Array) -> Callable[[], Tensor]:
        x = self._native(vector, str(vector.dtype))
        return lambda: tf.raw_ops.DeepCopy(x=x)

    def reset_peak_memory(self) -> None:
        if self.device == "cuda":
            tf.config.experimental.reset_memory_stats("GPU:0")

    def peak_memory_bytes(self) -> int | None:
        if self.device == "cpu":
            return None
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])

    def profile(self, call: Callable[[], Any], calls: int, folder: Path) -> None:
        with tf.profiler.experimental.Profile(str(folder)):
            for number in range(calls):
                # `_r`: it is a step, by which the profiler's pages divide what they show
                with tf.profiler.experimental.Trace("call", step_num=number, _r=1):
                    call()

    def _native(self, array: Array, dtype: str) -> Tensor:
        """An array in TensorFlow's own dtype of that name."""
        return tf.cast(self.tensor(array, dtype), "bfloat16" if dtype == "bfloat16" else base_dtype(dtype))

    def start_compiler(self) -> None:
        self.compile(lambda x: x + 1, "compiled")(tf.ones(16))

    def compile(self, function: Forward, mode: str) -> Forward:
        """`function` as it is, as a graph, or as a graph compiled by XLA."""
        if mode in ("compiled", "compiled-xla"):
            return tf.function(function, jit_compile=mode == "compiled-xla", autograph=False)  # type: ignore[no-any-return]
        return function


class TensorFlowTraining(KerasTraining):
    """GradientTape and a Keras optimiser."""

    def __init__(
        self,
        binding: TensorFlowBinding,
        model: Model,
        objective: Forward,
        sign: int,
        paths: list[str],
        rule: Optimizer,
        mode: str,
    ):
        super().__init__(binding, model, paths, rule)
        variables = list(self.variables.values())

        def step(x: Tensor, noise: Tensor) -> Tensor:
            with tf.GradientTape() as tape:
                value = objective(x, noise)
                loss = sign * value
            self.optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)
            return value

        self.compiled_step = binding.compile(step, mode)

    def step(self, x: Tensor, noise: Tensor) -> Tensor:
        return self.compiled_step(x, noise)


def open_binding(device: str) -> Binding:
    """The Keras-on-TensorFlow binding on `device`."""
    return TensorFlowBinding(device)
