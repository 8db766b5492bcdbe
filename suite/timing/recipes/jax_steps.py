"""Keras on JAX as fast as JAX makes it: `jax.jit`, weights as constants, donated buffers, `lax.scan`."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from numpy.typing import NDArray

from ...backends.base import Forward, Tensor, variable_at
from ...backends.keras import stateless
from ...backends.keras_jax import JaxBinding
from ...reference.spec import Spec
from ...workers.subject import Subject
from ..measure.training import Epoch, Training
from .base import FORWARD, Step, Tuner
from .jax_training import TunedEpoch, TunedTraining


class JaxTuner(Tuner):
    """The optimisation steps of JAX.

    There are none in bfloat16: XLA on a CPU ignores `jax.default_matmul_precision("BF16_BF16_F32")`.
    """

    binding: JaxBinding

    def steps(self, spec: Spec, stage: str, batch: int, dtype: str) -> tuple[Step, ...]:
        if dtype != "float32":
            return ()
        if stage in FORWARD:
            return (
                Step("jit", "`jax.jit` of a stateless call, logits in place of probabilities"),
                Step("constants", "weights captured as constants"),
            )
        if stage == "training_step":
            return (
                Step("jit", "`jax.jit` of gradient and Adam as one function, logits in place of probabilities"),
                Step("donated", "`donate_argnums` for weights and moments"),
            )
        return (
            Step("slices", "images in memory, noise of a whole pass in one draw, `donate_argnums`"),
            Step("scan", "`lax.scan` over the minibatches: one call per epoch"),
        )

    def forward(
        self, subject: Subject, stage: str, last_step: str, function: Forward, inputs: tuple[Tensor, ...], batch: int
    ) -> Forward:
        return TunedForward(subject, function, constants="constants" in self.on(subject, stage, last_step, batch))

    def training(self, subject: Subject, last_step: str, inputs: tuple[Tensor, Tensor], batch: int) -> Training:
        on = self.on(subject, "training_step", last_step, batch)
        return TunedTraining(self.binding, subject, donated="donated" in on)

    def epoch(self, subject: Subject, last_step: str, images: NDArray[Any], batch: int) -> Epoch:
        on = self.on(subject, "epoch", last_step, batch)
        return TunedEpoch(self.binding, subject, images, batch, scanned="scan" in on)


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


open_tuner = JaxTuner
