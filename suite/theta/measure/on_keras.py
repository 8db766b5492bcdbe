"""The small models by Keras' own functions."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import keras
from keras import ops

from ...backends.keras import KerasBinding
from ...reference.problem import Array

FUNCTIONS = ops


def variables(binding: KerasBinding, arrays: Sequence[Array]) -> SimpleNamespace:
    """`each`, a variable of float64 for each array; `values()`, their tensors."""
    binding.prepare("float64")
    with binding.scope():
        each = [keras.Variable(array, dtype="float64") for array in arrays]
    return SimpleNamespace(
        each=each, trainable_variables=each, values=lambda: [ops.convert_to_tensor(one) for one in each]
    )
