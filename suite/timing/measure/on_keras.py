"""Timing of Keras: a Keras optimiser, and `model.predict` on an array, as in its documentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from ...backends.base import Array, Forward, Model, Tensor, variable_at
from ...backends.keras import KerasBinding
from ...workers.subject import Subject
from .device import TimingDevice
from .training import Optimizer, Training


class KerasTiming(TimingDevice):
    """The timing device of Keras; sub-classes add the step and the rates of a backend."""

    binding: KerasBinding
    adam_epsilon = 1e-7, False

    def predict(self, subject: Subject, function: Forward, batch: int) -> Forward:
        return Prediction(self.binding, subject.model, function, batch)


class KerasTraining(Training):
    """A training whose state is in Keras variables; sub-classes add the step."""

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
    """`predict` of a keras.Model around a method, on a NumPy array, as users have it.

    Args:
        binding: the binding of the backend.
        model: the model that has the method.
        function: the method, of one tensor.
        batch: images per step of `predict`.
    """

    def __init__(self, binding: KerasBinding, model: Model, function: Forward, batch: int):
        self.binding, self.batch = binding, batch
        self.model = MethodModel(model, function)
        self.latest: tuple[Tensor, Array] | None = None

    def __call__(self, x: Tensor) -> Any:
        """x: [batch, ...] → the method's outputs as arrays: `predict` copies them to the host."""
        if self.latest is None or self.latest[0] is not x:
            self.latest = x, np.array(self.binding.array(x))
        with self.binding.scope():
            return self.model.predict(self.latest[1], batch_size=self.batch, verbose=0)


class MethodModel(keras.Model):  # type: ignore[misc]  # Keras has no type information
    """A model whose `call` is a method of another model, and whose weights are the other model's."""

    def __init__(self, model: Model, function: Forward):
        super().__init__()
        self.of, self.function = model, function
        self.built = True

    def call(self, x: Any) -> Any:
        return self.function(x)
