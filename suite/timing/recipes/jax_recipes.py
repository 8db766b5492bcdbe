"""Keras on JAX as fast as JAX makes it: `jax.jit`, weights as constants, donated buffers."""

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


class TunedForward:
    """A method without gradients, with the weights that the model has when this is made.

    Args:
        subject: whose method it is.
        function: the method.
        constants: whether weights are part of what is compiled, or its arguments.
    """

    def __init__(self, subject: Subject, function: Forward, *, constants: bool):
        variables = [variable_at(subject.model, path) for path in subject.paths]
        # Copies: `fit` donates the arrays of the model itself.
        self.values = [jnp.array(variable.value, copy=True) for variable in variables]
        self.constants = constants

        def call(values: list[Tensor], *tensors: Tensor) -> Any:
            return stateless(variables, values, function, *tensors)

        self.compiled_step = jax.jit((lambda *tensors: call(self.values, *tensors)) if constants else call)

    def __call__(self, *tensors: Tensor) -> Any:
        return self.compiled_step(*tensors) if self.constants else self.compiled_step(self.values, *tensors)


class TunedTraining(JaxTraining):
    """Gradient and Adam as one jitted function; weights and moments are arrays that no variable shares.

    Args:
        subject: whose objective it is.
        donated: whether a step's new weights and moments lie where its old ones were.
    """

    def __init__(self, subject: Subject, *, donated: bool):
        super().__init__(_binding(subject), subject, subject.objective(), ADAM, "eager")
        self.update = self.compiled_step
        self.compiled_step = jax.jit(self.update, donate_argnums=(0, 1) if donated else ())

    def _read(self) -> None:
        super()._read()
        # Copies: a donated array is gone, and the variables are to outlive the steps.
        self.values, self.slots = ([jnp.array(a, copy=True) for a in arrays] for arrays in (self.values, self.slots))

    def _write_back(self) -> None:
        super()._write_back()
        self._read()


def forward(subject: Subject, function: Forward, inputs: tuple[Tensor, ...], on: Collection[str]) -> Forward:
    """`function` without gradients; see `tuned_forward`."""
    return TunedForward(subject, function, constants="constants" in on)


def training(subject: Subject, inputs: tuple[Tensor, Tensor], on: Collection[str]) -> Training:
    """Steps of Adam; see `tuned_training`."""
    return TunedTraining(subject, donated="donated" in on)


def _binding(subject: Subject) -> JaxBinding:
    assert isinstance(subject.binding, JaxBinding)
    return subject.binding
