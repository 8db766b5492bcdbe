"""Keras on TensorFlow as fast as it can go: ladders of rungs, and the calls that they lead to."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from numpy.typing import NDArray

from ...definition.spec import Spec
from ..bindings import Binding, Epoch, Training
from ..bindings.base import Forward, Tensor, variable_at
from ..bindings.keras import stateless
from ..subject import Subject
from .base import Ladder, Tuner
from .tensorflow_calls import Call
from .tensorflow_rungs import Options, ladder_of
from .tensorflow_training import KerasOptimizerTraining, OwnAdamTraining, TunedEpoch


class TensorFlowTuner(Tuner):
    """The ladders of TensorFlow."""

    def ladder(self, spec: Spec, stage: str, batch: int, dtype: str) -> Ladder[Options]:
        return ladder_of(spec, stage, dtype, self.binding.device)

    def forward(
        self, subject: Subject, stage: str, rung: str, function: Forward, inputs: tuple[Tensor, ...], batch: int
    ) -> Forward:
        options = self.ladder(subject.spec, stage, batch, subject.dtype).options(rung)
        if not options.constants:
            return Call(function, inputs, options, subject.dtype)
        variables = [variable_at(subject.model, path) for path in subject.paths]
        values = [self.binding.array(variable).copy() for variable in variables]

        def call(*tensors: Tensor) -> Any:
            return stateless(variables, [tf.constant(value) for value in values], function, *tensors)

        return Call(call, inputs, options, subject.dtype)

    def training(self, subject: Subject, rung: str, inputs: tuple[Tensor, Tensor], batch: int) -> Training:
        options = self.ladder(subject.spec, "training_step", batch, subject.dtype).options(rung)
        made = OwnAdamTraining if options.own_adam else KerasOptimizerTraining
        return made(subject, options, inputs)

    def epoch(self, subject: Subject, rung: str, images: NDArray[Any], batch: int) -> Epoch:
        return TunedEpoch(
            subject, self.ladder(subject.spec, "epoch", batch, subject.dtype).options(rung), images, batch
        )


def open_tuner(binding: Binding) -> Tuner:
    """The ladders of TensorFlow on the binding's device."""
    return TensorFlowTuner(binding)
