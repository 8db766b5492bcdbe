"""The recipes of Keras on TensorFlow: one graph, called without checks of its arguments, and compiled by XLA."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import tensorflow as tf

from ...backends.base import Forward, Tensor, variable_at
from ...backends.keras import stateless
from ...backends.keras_tensorflow import TensorFlowBinding
from ...workers.subject import Subject
from ..measure.on_tensorflow import TensorFlowTraining
from ..measure.training import ADAM, Training

_REWRITE = "auto_mixed_precision_onednn_bfloat16"


class Concrete:
    """A function of tensors as one concrete graph.

    Args:
        function: a function of tensors.
        examples: tensors of the shapes and dtypes that it will be called with.
        on: the names of the optimisation steps that are turned on.
        dtype: `bfloat16` turns on TensorFlow's mixed precision: products in bfloat16, sums and variables in float32.

    Attributes:
        compiled_step: the tf.function, which counts its traces.
    """

    def __init__(self, function: Callable[..., Any], examples: tuple[Tensor, ...], on: Collection[str], dtype: str):
        signature = [tf.TensorSpec(example.shape, example.dtype) for example in examples]
        self.compiled_step = tf.function(
            function, input_signature=signature, jit_compile="xla" in on, autograph=False, reduce_retracing=False
        )
        self.function = self.compiled_step.get_concrete_function()
        self.rewrite = dtype == "bfloat16"

    def __call__(self, *tensors: Tensor) -> Any:
        # TensorFlow optimises a graph again for each set of options of a call, and keeps the results. The
        # setting is the process's, so it is turned on for this call alone.
        if not self.rewrite:
            return self.function(*tensors)
        tf.config.optimizer.set_experimental_options({_REWRITE: True})
        try:
            return self.function(*tensors)
        finally:
            tf.config.optimizer.set_experimental_options({_REWRITE: False})


class TunedTraining(TensorFlowTraining):
    """Gradient and a Keras optimizer in one graph, on the model's variables.

    Args:
        binding: the binding of the subject.
        subject: the model that has the objective.
        inputs: examples of x and noise.
        on: the names of the optimisation steps that are turned on.
    """

    def __init__(
        self, binding: TensorFlowBinding, subject: Subject, inputs: tuple[Tensor, Tensor], on: Collection[str]
    ):
        super().__init__(binding, subject, subject.objective(), ADAM, "eager")
        self.call = Concrete(self.compiled_step, inputs, on, subject.dtype)
        self.compiled_step = self.call.compiled_step

    def step(self, x: Tensor, noise: Tensor) -> Tensor:
        return self.call(x, noise)


def forward(subject: Subject, function: Forward, inputs: tuple[Tensor, ...], on: Collection[str]) -> Forward:
    """`function` without gradients; see `tuned_forward`."""
    made: Callable[..., Any] = function
    if "constants" in on:
        variables = [variable_at(subject.model, path) for path in subject.paths]
        values = [subject.binding.array(variable).copy() for variable in variables]

        def made(*tensors: Tensor) -> Any:
            return stateless(variables, [tf.constant(value) for value in values], function, *tensors)

    return Concrete(made, inputs, on, subject.dtype)


def training(subject: Subject, inputs: tuple[Tensor, Tensor], on: Collection[str]) -> Training:
    """Steps of Adam; see `tuned_training`."""
    assert isinstance(subject.binding, TensorFlowBinding)
    return TunedTraining(subject.binding, subject, inputs, on)
