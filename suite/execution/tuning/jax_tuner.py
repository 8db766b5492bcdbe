"""Keras on JAX as fast as it can go: ladders of rungs, and the calls that they lead to."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from numpy.typing import NDArray

from ...definition.spec import Spec
from ..bindings import Binding, Epoch, Training
from ..bindings.base import Forward, Tensor, variable_at
from ..bindings.keras import stateless
from ..subject import Subject
from .base import Ladder, Tuner
from .jax_rewriting import Rule, dot_in_bfloat16, log_sigmoid, rewritten
from .jax_rungs import Options, ladder_of
from .jax_training import TunedEpoch, TunedTraining


class JaxTuner(Tuner):
    """The ladders of JAX."""

    def ladder(self, spec: Spec, stage: str, batch: int, dtype: str) -> Ladder[Options]:
        return ladder_of(spec, stage, dtype, self.binding.device)

    def forward(
        self, subject: Subject, stage: str, rung: str, function: Forward, inputs: tuple[Tensor, ...], batch: int
    ) -> Forward:
        return TunedForward(subject, self.ladder(subject.spec, stage, batch, subject.dtype).options(rung), function)

    def training(self, subject: Subject, rung: str, inputs: tuple[Tensor, Tensor], batch: int) -> Training:
        return TunedTraining(subject, self.ladder(subject.spec, "training_step", batch, subject.dtype).options(rung))

    def epoch(self, subject: Subject, rung: str, images: NDArray[Any], batch: int) -> Epoch:
        return TunedEpoch(
            subject, self.ladder(subject.spec, "epoch", batch, subject.dtype).options(rung), images, batch
        )


class TunedForward:
    """A method without gradients, with the weights that the model has when this is made.

    Args:
        subject: whose method it is.
        options: what is turned on.
        function: the method.
    """

    def __init__(self, subject: Subject, options: Options, function: Forward):
        variables = [variable_at(subject.model, path) for path in subject.paths]
        # Copies: `fit` donates the arrays of the model itself.
        self.values = [jnp.array(variable.value, copy=True) for variable in variables]

        def call(values: list[Tensor], *tensors: Tensor) -> Any:
            return stateless(variables, values, function, *tensors)

        rules: dict[str, Rule] = {"log_sigmoid": log_sigmoid} if options.shared else {}
        if subject.dtype == "bfloat16":
            rules["dot_general"] = dot_in_bfloat16
        if rules:
            call = rewritten(call, rules)
        self.constants = options.constants
        self.compiled_step = jax.jit((lambda *tensors: call(self.values, *tensors)) if options.constants else call)

    def __call__(self, *tensors: Tensor) -> Any:
        return self.compiled_step(*tensors) if self.constants else self.compiled_step(self.values, *tensors)


def open_tuner(binding: Binding) -> Tuner:
    """The ladders of JAX on the binding's device."""
    return JaxTuner(binding)
