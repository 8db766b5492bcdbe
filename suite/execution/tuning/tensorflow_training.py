"""Training steps and epochs in memory, as fast as TensorFlow makes them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from ..bindings.base import Array, Tensor, variable_at
from ..bindings.keras import KerasBinding, KerasTraining, stateless
from ..bindings.training import Epoch, Training
from ..subject import Subject
from .keras_adam import BETA_1, BETA_2, EPSILON, RULE
from .tensorflow_calls import Call
from .tensorflow_rungs import Options


class KerasOptimizerTraining(KerasTraining):
    """Gradient and a Keras optimizer in one graph, on the model's own variables.

    Args:
        subject: whose objective it is.
        options: what is turned on.
        inputs: x and noise, as examples.
    """

    def __init__(self, subject: Subject, options: Options, inputs: tuple[Tensor, Tensor]):
        super().__init__(_keras(subject), subject.model, subject.paths, RULE)
        variables = list(self.variables.values())
        objective, sign = subject.objective(), subject.objective_sign()

        def step(x: Tensor, noise: Tensor) -> Tensor:
            with tf.GradientTape() as tape:
                value = objective(x, noise)
                loss = sign * value
            self.optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)
            return value

        self.call = Call(step, inputs, options, subject.dtype)
        self.compiled_step = self.call.compiled_step

    def step(self, x: Tensor, noise: Tensor) -> Tensor:
        return self.call(x, noise)


class OwnAdamTraining(Training):
    """Steps of Adam on variables of their own; the model stays as it is.

    Args:
        subject: whose objective it is.
        options: what is turned on.
        inputs: x and noise, as examples.
    """

    def __init__(self, subject: Subject, options: Options, inputs: tuple[Tensor, Tensor]):
        self.binding, self.paths = _keras(subject), subject.paths
        self.variables = [variable_at(subject.model, path) for path in subject.paths]
        self.objective, self.sign = subject.objective(), subject.objective_sign()
        start = [self.binding.array(variable_at(subject.model, path)) for path in subject.paths]
        zeros = [np.zeros_like(weight) for weight in start]
        with self.binding.scope():
            self.count = tf.Variable(np.zeros((), start[0].dtype))
            self.own, self.first, self.second = ([tf.Variable(a) for a in arrays] for arrays in (start, zeros, zeros))
        self.call = Call(self.advance, inputs, options, subject.dtype)
        self.compiled_step = self.call.compiled_step

    def advance(self, x: Tensor, noise: Tensor) -> Tensor:
        """One step, to be traced."""
        weights = [variable.read_value() for variable in self.own]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            value = stateless(self.variables, weights, self.objective, x, noise)
            loss = self.sign * value
        gradients = tape.gradient(loss, weights, unconnected_gradients="zero")
        count = self.count.assign_add(1, read_value=True)
        for weight, first, second, gradient in zip(self.own, self.first, self.second, gradients, strict=True):
            # One operation that computes what Keras composes, and that mixed precision leaves in float32.
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle,
                m=first.handle,
                v=second.handle,
                beta1_power=BETA_1**count,
                beta2_power=BETA_2**count,
                lr=RULE.learning_rate,
                beta1=BETA_1,
                beta2=BETA_2,
                epsilon=EPSILON,
                grad=gradient,
            )
        return value

    def step(self, x: Tensor, noise: Tensor) -> Tensor:
        return self.call(x, noise)

    def restore(self, weights: Mapping[str, Array]) -> None:
        for path, variable in zip(self.paths, self.own, strict=True):
            variable.assign(weights[path])
        for variable in (self.count, *self.first, *self.second):
            variable.assign(tf.zeros_like(variable))

    def weights(self) -> dict[str, Array]:
        return dict(zip(self.paths, (variable.numpy().copy() for variable in self.own), strict=True))

    def first_moments(self) -> dict[str, Array]:
        return dict(zip(self.paths, (variable.numpy().copy() for variable in self.first), strict=True))


class TunedEpoch(Epoch):
    """Passes over images that lie in the device's memory as bytes: an order, a draw of noise, and steps.

    A step takes its rows and turns their bytes into pixels; the whole input path is inside of a pass.

    Args:
        subject: whose objective is trained.
        options: of its steps.
        images: [data count, data], unsigned bytes.
        batch: images per step.
    """

    def __init__(self, subject: Subject, options: Options, images: Array, batch: int):
        self.binding, self.steps, self.batch = _keras(subject), len(images) // batch, batch
        laid_out = subject.laid_out(images)
        sample = (1,) if "sample" in subject.notation.noise_axes else ()
        self.shape = (self.steps, *sample, batch, subject.spec.latent_dim)
        self.seed(0)
        self.looped = options.looped
        with self.binding.scope():
            self.bytes = tf.constant(laid_out)
            x = tf.zeros((batch, *laid_out.shape[1:]))
            self.rows = tf.zeros((self.steps, batch), tf.int32)
            self.drawn = tf.zeros(self.shape)
            self.training = OwnAdamTraining(subject, options, (x, self.drawn[0]))
            self.loop = Call(self._loop, (self.bytes, self.rows, self.drawn), options, subject.dtype)

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


def _keras(subject: Subject) -> KerasBinding:
    assert isinstance(subject.binding, KerasBinding)
    return subject.binding


def _pixels(images: Tensor, rows: Tensor) -> Tensor:
    return tf.cast(tf.gather(images, rows), tf.float32) / 255
