"""Derivatives of the small models by TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from ...backends.base import Tensor
from ...backends.keras_tensorflow import TensorFlowBinding
from ...reference.problem import Array
from .densities import Differentiated, Rows, Slopes


def slopes(binding: TensorFlowBinding, function: Rows, *, gradients: bool) -> Differentiated:
    """See `densities.slopes_of`."""

    def differentiated(weights: Mapping[str, Tensor], tensors: list[Tensor]) -> Any:
        with tf.GradientTape(persistent=True) as tape:
            for weight in weights.values():
                tape.watch(weight)
            rows = function(weights, tensors)
        return rows, [tape.gradient(row, weights, unconnected_gradients="zero") for row in rows if gradients]

    compiled = binding.compile(differentiated, "compiled")

    def call(weights: Mapping[str, Array], arrays: Sequence[Array]) -> Slopes:
        inputs = {name: binding.tensor(weight, "float64") for name, weight in weights.items()}
        rows, found = compiled(inputs, [binding.tensor(array, "float64") for array in arrays])
        return [binding.array(row) for row in rows], [{n: binding.array(s) for n, s in row.items()} for row in found]

    return call
