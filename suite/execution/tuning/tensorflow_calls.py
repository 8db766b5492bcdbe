"""How TensorFlow is called: traced once, compiled or not, with products in bfloat16 or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from ..bindings.base import Tensor
from .tensorflow_rungs import Options

_REWRITE = "auto_mixed_precision_onednn_bfloat16"


class Call:
    """A function of tensors as one graph.

    Args:
        function: of tensors.
        examples: tensors of the shapes and dtypes that it will be called with.
        options: what is turned on.
        dtype: `bfloat16` has TensorFlow's own mixed precision: products in bfloat16, sums and variables in float32.

    Attributes:
        compiled_step: the tf.function, which counts its traces.
    """

    def __init__(self, function: Callable[..., Any], examples: tuple[Tensor, ...], options: Options, dtype: str):
        signature = [tf.TensorSpec(example.shape, example.dtype) for example in examples]
        self.compiled_step = tf.function(
            function, input_signature=signature, jit_compile=options.xla, autograph=False, reduce_retracing=False
        )
        self.function: Callable[..., Any] = self.compiled_step
        if options.concrete:
            self.function = self.compiled_step.get_concrete_function()
        self.rewrite = dtype == "bfloat16"

    def __call__(self, *tensors: Tensor) -> Any:
        # TensorFlow optimises a graph anew for each set of options that it is called with, and keeps the results: the
        # setting, which is one of the whole process, holds for this call alone.
        if not self.rewrite:
            return self.function(*tensors)
        tf.config.optimizer.set_experimental_options({_REWRITE: True})
        try:
            return self.function(*tensors)
        finally:
            tf.config.optimizer.set_experimental_options({_REWRITE: False})
