"""Graphs, training steps and epochs in memory, as fast as TensorFlow makes them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from ...backends.base import Array, Tensor
from ...backends.keras_tensorflow import TensorFlowBinding
from ...workers.subject import Subject
from ..measure.on_tensorflow import TensorFlowTraining
from ..measure.training import ADAM, Epoch

_REWRITE = "auto_mixed_precision_onednn_bfloat16"


class Call:
    """A function of tensors as one graph.

    Args:
        function: of tensors.
        examples: tensors of the shapes and dtypes that it will be called with.
        on: the names of the optimisation steps that are turned on.
        dtype: `bfloat16` has TensorFlow's own mixed precision: products in bfloat16, sums and variables in float32.

    Attributes:
        compiled_step: the tf.function, which counts its traces.
    """

    def __init__(self, function: Callable[..., Any], examples: tuple[Tensor, ...], on: Collection[str], dtype: str):
        signature = [tf.TensorSpec(example.shape, example.dtype) for example in examples]
        self.compiled_step = tf.function(
            function, input_signature=signature, jit_compile="xla" in on, autograph=False, reduce_retracing=False
        )
        # The first step of a stage is called as a user's own function would be; an epoch has no such step.
        plain = "graph" in on and "concrete" not in on
        self.function = self.compiled_step if plain else self.compiled_step.get_concrete_function()
        self.rewrite = dtype == "bfloat16"

    def __call__(self, *tensors: Tensor) -> Any:
        # TensorFlow optimises a graph anew for each set of options that it is called with, and keeps the results: the
        # setting, which is one of the whole process, holds for this call alone.
        if not self.rewrite:
            return self.function(*tensors)
        tf.config.optimizer.set_experimental_options({_REWRITE: True})
        try:
            return self.function(*tensors)
        finally:
            tf.config.optimizer.set_experimental_options({_REWRITE: False})


class TunedTraining(TensorFlowTraining):
    """Gradient and a Keras optimizer in one graph, on the model's own variables.

    Args:
        binding: what executes.
        subject: whose objective it is.
        on: the names of the optimisation steps that are turned on.
        inputs: x and noise, as examples.
    """

    def __init__(
        self, binding: TensorFlowBinding, subject: Subject, on: Collection[str], inputs: tuple[Tensor, Tensor]
    ):
        super().__init__(binding, subject, subject.objective(), ADAM, "eager")
        self.advance = self.compiled_step
        self.call = Call(self.advance, inputs, on, subject.dtype)
        self.compiled_step = self.call.compiled_step

    def step(self, x: Tensor, noise: Tensor) -> Tensor:
        return self.call(x, noise)


class TunedEpoch(Epoch):
    """Passes over images that lie in the device's memory as bytes: an order, a draw of noise, and steps.

    A step takes its rows and turns their bytes into pixels; the whole input path is inside of a pass.

    Args:
        binding: what executes.
        subject: whose objective is trained.
        on: the names of the optimisation steps that are turned on.
        images: [data count, data], unsigned bytes.
        batch: images per step.
    """

    def __init__(self, binding: TensorFlowBinding, subject: Subject, on: Collection[str], images: Array, batch: int):
        self.binding, self.steps, self.batch, self.looped = binding, len(images) // batch, batch, "loop" in on
        laid_out = subject.laid_out(images)
        sample = (1,) if "sample" in subject.notation.noise_axes else ()
        self.shape = (self.steps, *sample, batch, subject.spec.latent_dim)
        self.seed(0)
        with binding.scope():
            self.bytes = tf.constant(laid_out)
            x = tf.zeros((batch, *laid_out.shape[1:]))
            self.rows = tf.zeros((self.steps, batch), tf.int32)
            self.drawn = tf.zeros(self.shape)
            self.training = TunedTraining(binding, subject, on, (x, self.drawn[0]))
            self.loop = Call(self._loop, (self.bytes, self.rows, self.drawn), on, subject.dtype)

    def run(self) -> Tensor:
        with self.binding.scope():
            rows = self.generator.permutation(len(self.bytes))[: self.steps * self.batch]
            self.rows = tf.constant(rows.reshape(self.steps, self.batch), tf.int32)
            self.drawn = tf.random.stateless_normal(self.shape, self.generator.integers(2**31, size=2))
            if self.looped:
                return self.loop(self.bytes, self.rows, self.drawn)
            total = tf.zeros(())
            for rows, noise in zip(tf.unstack(self.rows), tf.unstack(self.drawn), strict=True):
                total += self.training.step(_pixels(self.bytes, rows), noise)
            return total

    def _loop(self, images: Tensor, rows: Tensor, noise: Tensor) -> Tensor:
        def body(index: Tensor, total: Tensor) -> tuple[Tensor, Tensor]:
            value = self.training.advance(_pixels(images, rows[index]), noise[index])
            return index + 1, total + value

        _, total = tf.while_loop(
            lambda index, _: index < self.steps, body, (tf.constant(0), tf.zeros(())), parallel_iterations=1
        )
        return total

    def restore(self, weights: Mapping[str, Array]) -> None:
        self.training.restore(weights)

    def seed(self, seed: int) -> None:
        self.generator = np.random.default_rng(seed)

    def order(self) -> Array:
        return np.array(self.rows)

    def noise(self) -> Array:
        return np.array(self.drawn).reshape(self.steps, self.batch, -1)


def _pixels(images: Tensor, rows: Tensor) -> Tensor:
    return tf.cast(tf.gather(images, rows), tf.float32) / 255
