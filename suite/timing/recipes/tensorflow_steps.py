"""Keras on TensorFlow as fast as TensorFlow makes it: one graph, called without a look at its arguments, by XLA."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from numpy.typing import NDArray

from ...backends.base import Forward, Tensor, variable_at
from ...backends.keras import stateless
from ...backends.keras_tensorflow import TensorFlowBinding
from ...reference.spec import Spec
from ...workers.subject import Subject
from ..measure.training import Epoch, Training
from .base import FORWARD, Step, Tuner
from .tensorflow_training import Call, TunedEpoch, TunedTraining

CONCRETE = Step("concrete", "`get_concrete_function()`: no look at the arguments of a call")


class TensorFlowTuner(Tuner):
    """The optimisation steps of TensorFlow."""

    binding: TensorFlowBinding

    def steps(self, spec: Spec, stage: str, batch: int, dtype: str) -> tuple[Step, ...]:
        if dtype not in ("float32", "bfloat16"):
            return ()
        steps: tuple[Step, ...]
        if stage in FORWARD:
            steps = (
                Step("graph", "`tf.function(input_signature=…)`, logits in place of probabilities"),
                CONCRETE,
                Step("constants", "weights captured as constants"),
            )
        elif stage == "training_step":
            steps = (
                Step("graph", "gradient and a Keras optimizer in one `tf.function`, logits in place of probabilities"),
                CONCRETE,
            )
        else:
            steps = (
                Step("slices", "images in memory, noise of a whole pass in one draw"),
                Step("loop", "all steps of a pass in one `tf.function`"),
            )
        # On a CPU, XLA has no fast products in bfloat16, and differentiates convolutions into naive loops.
        if dtype == "float32" and (stage in FORWARD or spec.network != "conv" or self.binding.device != "cpu"):
            steps += (Step("xla", "`jit_compile=True`"),)
        return steps

    def forward(
        self, subject: Subject, stage: str, last_step: str, function: Forward, inputs: tuple[Tensor, ...], batch: int
    ) -> Forward:
        on = self.on(subject, stage, last_step, batch)
        made: Callable[..., Any] = function
        if "constants" in on:
            variables = [variable_at(subject.model, path) for path in subject.paths]
            values = [self.binding.array(variable).copy() for variable in variables]

            def made(*tensors: Tensor) -> Any:
                return stateless(variables, [tf.constant(value) for value in values], function, *tensors)

        return Call(made, inputs, on, subject.dtype)

    def training(self, subject: Subject, last_step: str, inputs: tuple[Tensor, Tensor], batch: int) -> Training:
        return TunedTraining(self.binding, subject, self.on(subject, "training_step", last_step, batch), inputs)

    def epoch(self, subject: Subject, last_step: str, images: NDArray[Any], batch: int) -> Epoch:
        return TunedEpoch(self.binding, subject, self.on(subject, "epoch", last_step, batch), images, batch)


open_tuner = TensorFlowTuner
