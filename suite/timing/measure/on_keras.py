"""Keras, timed: a Keras optimiser, and what its documentation uses: `model.predict` and `model.fit` on an array."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter

from ...backends.base import Array, Forward, Model, Tensor, variable_at
from ...backends.keras import KerasBinding
from ...workers.subject import Subject
from .device import TimingDevice
from .training import Epoch, Optimizer, Training


class KerasTiming(TimingDevice):
    """What timing needs of Keras; sub-classes add what differs between backends: the step, rates, generators."""

    binding: KerasBinding
    adam_epsilon = 1e-7, False

    def predict(self, subject: Subject, function: Forward, batch: int) -> Forward:
        return Prediction(self.binding, subject.model, function, batch)

    def epoch(self, subject: Subject, images: Array, batch: int) -> Epoch:
        return FitEpoch(self, subject, images, batch)

    @abstractmethod
    def seed(self, seed: int) -> None:
        """Seed the global generator by which `fit` shuffles."""

    @abstractmethod
    def minibatches(self, adapter: Any) -> Iterable[Any]:
        """What `fit` would take from a data adapter of Keras, in its order."""


class KerasTraining(Training):
    """State that lives in Keras variables; sub-classes take the step."""

    def __init__(self, binding: KerasBinding, subject: Subject, rule: Optimizer):
        self.binding, self.sign = binding, subject.objective_sign()
        self.variables = {path: variable_at(subject.model, path) for path in subject.paths}
        if rule.name == "adam":
            self.optimizer = keras.optimizers.Adam(rule.learning_rate)
        else:
            # A NumPy number, since TensorFlow casts a Python one through float32, to float64 as well
            # (https://github.com/tensorflow/tensorflow/issues/57779).
            start = np.float64(rule.accumulator)
            self.optimizer = keras.optimizers.Adagrad(rule.learning_rate, initial_accumulator_value=start, epsilon=0)
        with binding.scope():
            self.optimizer.build(list(self.variables.values()))
        self._fresh = [binding.array(variable).copy() for variable in self.optimizer.variables]

    def restore(self, weights: Mapping[str, Array]) -> None:
        for path, value in weights.items():
            self.variables[path].assign(value)
        for variable, value in zip(self.optimizer.variables, self._fresh, strict=True):
            variable.assign(value)

    def weights(self) -> dict[str, Array]:
        return {path: self.binding.array(v).copy() for path, v in self.variables.items()}

    def first_moments(self) -> dict[str, Array]:
        slots = self.optimizer._momentums  # Keras offers no public way to read a slot
        return {path: self.binding.array(slot) for path, slot in zip(self.variables, slots, strict=True)}


class Prediction:
    """`predict` of a keras.Model around a method, on the NumPy array that a user has.

    Args:
        binding: whose tensors it is called with.
        model: whose method it is.
        function: the method, of one tensor.
        batch: images per step of `predict`.
    """

    def __init__(self, binding: KerasBinding, model: Model, function: Forward, batch: int):
        self.binding, self.batch = binding, batch
        self.model = MethodModel(model, function)
        self.latest: tuple[Tensor, Array] | None = None

    def __call__(self, x: Tensor) -> Any:
        """x: [batch, ...] → what the method returns, as arrays: `predict` copies it to the host."""
        if self.latest is None or self.latest[0] is not x:
            self.latest = x, np.array(self.binding.array(x))
        with self.binding.scope():
            return self.model.predict(self.latest[1], batch_size=self.batch, verbose=0)


class MethodModel(keras.Model):  # type: ignore[misc]  # Keras has no type information
    """A model whose `call` is a method of another one, whose weights it has."""

    def __init__(self, model: Model, function: Forward):
        super().__init__()
        self.of, self.function = model, function
        self.built = True

    def call(self, x: Any) -> Any:
        return self.function(x)


class FitEpoch(Epoch):
    """Passes of `fit` with the settings of keras.io's example: Adam as it is by default, shuffled minibatches.

    The images are an array of float32 in [0, 1] before the first pass, as keras.io has them. `fit` shuffles by a global
    generator, which is seeded before each pass, as `keras.utils.set_random_seed` would; the model draws its noise by
    its `SeedGenerator`s, whose states are kept. Nothing else is recorded: `order` and `noise` draw again from these.

    Args:
        device: what executes.
        subject: whose model's `call` and `compute_loss` `fit` uses; the model is compiled here if it is not.
        images: [data count, *axes of the data], unsigned bytes.
        batch: images per step; what is left at the end is dropped.
    """

    def __init__(self, device: KerasTiming, subject: Subject, images: Array, batch: int):
        self.device, self.binding, self.model, self.batch = device, device.binding, subject.model, batch
        # −1 where `compute_loss` is the negative of the published objective.
        self.sign = subject.objective_sign()
        binding, model = self.binding, self.model
        self.steps = len(images) // batch
        self.x = images[: self.steps * batch].astype(np.float32) / np.float32(255)
        self.variables = {path: variable_at(model, path) for path in subject.paths}
        # A second compile would throw away what `fit` has compiled, also for passes over other images.
        if not model.compiled:
            model.compile(optimizer=keras.optimizers.Adam())
            # A first `fit` looks at a minibatch to build what is not built, by a draw from the generator that shuffles.
            with binding.scope():
                model.test_on_batch(self.x[:batch])
        with binding.scope():
            fresh = keras.optimizers.Adam()
            for optimizer in (fresh, model.optimizer):
                if not optimizer.built:
                    optimizer.build(model.trainable_variables)
        self.fresh = [binding.array(variable).copy() for variable in fresh.variables]
        self.generators = [variable for variable in model.variables if variable.name == "seed_generator_state"]
        self.passes = 0
        self.states = self.first = self._states()

    def run(self) -> Tensor:
        self.passes += 1
        self.states = self._states()
        self.device.seed(self.passes)
        with self.binding.scope():
            history = self.model.fit(self.x, batch_size=self.batch, epochs=1, verbose=0)
        # The mean over steps of one size each. Keras returns it as a Python number, of what it computed in this dtype.
        dtype = keras.backend.standardize_dtype(self.model.trainable_variables[0].dtype)
        return np.asarray(self.sign * history.history["loss"][0] * self.steps, dtype)

    def restore(self, weights: Mapping[str, Array]) -> None:
        for path, value in weights.items():
            self.variables[path].assign(value)
        for variable, value in zip(self.model.optimizer.variables, self.fresh, strict=True):
            variable.assign(value)

    def seed(self, seed: int) -> None:
        self.passes = seed
        self._put(self.first)

    def order(self) -> Array:
        adapter = ArrayDataAdapter(np.arange(len(self.x)), batch_size=self.batch, shuffle=True)
        self.device.seed(self.passes)
        batches = [keras.utils.unpack_x_y_sample_weight(batch)[0] for batch in self.device.minibatches(adapter)]
        return np.stack([self.binding.array(rows).ravel() for rows in batches])

    def noise(self) -> Array:
        present = self._states()
        self._put(self.states)
        with _recorded_normal(self.binding.array) as drawn, self.binding.scope():
            for step in range(self.steps):
                # Its values decide nothing: the draw depends on the generator's state and on shapes.
                self.model(self.binding.tensor(self.x[step * self.batch : (step + 1) * self.batch], "float32"))
        self._put(present)
        if len(drawn) != self.steps:
            raise ValueError(f"{len(drawn)} draws of noise in {self.steps} steps: expected one per step")
        return np.stack(drawn).reshape(self.steps, self.batch, -1)

    def _states(self) -> list[Array]:
        return [self.binding.array(variable).copy() for variable in self.generators]

    def _put(self, states: list[Array]) -> None:
        for variable, state in zip(self.generators, states, strict=True):
            variable.assign(state)


@contextmanager
def _recorded_normal(array: Callable[[Tensor], Array]) -> Iterator[list[Array]]:
    """A list that gets what `keras.random.normal` returns meanwhile."""
    normal, drawn = keras.random.normal, []

    def recording(*arguments: Any, **keywords: Any) -> Tensor:
        result = normal(*arguments, **keywords)
        drawn.append(array(result).copy())
        return result

    keras.random.normal = recording
    try:
        yield drawn
    finally:
        keras.random.normal = normal
