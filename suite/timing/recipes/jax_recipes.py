"""The recipes of Keras on JAX: `jax.jit`, with weights as constants, or with donated buffers."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import jax
import jax.numpy as jnp

from ...backends.base import Forward, Tensor, variable_at
from ...backends.keras import stateless
from ...backends.keras_jax import JaxBinding
from ...workers.subject import Subject
from ..measure.on_jax import JaxTraining
from ..measure.training import ADAM, Training


class Constants:
    """A method without gradients, compiled with the model's present weights as constants."""

    def __init__(self, subject: Subject, function: Forward):
        variables = [variable_at(subject.model, path) for path in subject.paths]
        values = [jnp.array(variable.value, copy=True) for variable in variables]
        self.compiled_step = jax.jit(lambda *tensors: stateless(variables, values, function, *tensors))

    def __call__(self, *tensors: Tensor) -> Any:
        return self.compiled_step(*tensors)


class Donated(JaxTraining):
    """Gradient and Adam as one function, which writes new weights and moments into the buffers of the old ones."""

    def __init__(self, binding: JaxBinding, subject: Subject):
        super().__init__(binding, subject, subject.objective(), ADAM, "eager")
        self.compiled_step = jax.jit(self.compiled_step, donate_argnums=(0, 1))

    def _read(self) -> None:
        super()._read()
        # Copies: a step deletes the arrays that it is given, and the variables must outlive the steps.
        self.values, self.slots = ([jnp.array(a, copy=True) for a in arrays] for arrays in (self.values, self.slots))

    def _write_back(self) -> None:
        super()._write_back()
        self._read()


def forward(subject: Subject, function: Forward, inputs: tuple[Tensor, ...], on: Collection[str]) -> Forward:
    """`function` without gradients; see `tuned_forward`."""
    return Constants(subject, function)


def training(subject: Subject, inputs: tuple[Tensor, Tensor], on: Collection[str]) -> Training:
    """Steps of Adam; see `tuned_training`."""
    assert isinstance(subject.binding, JaxBinding)
    return Donated(subject.binding, subject)
