"""The small models by Keras' own functions."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import keras
from keras import ops

from ...backends.keras import KerasBinding
from ...reference.problem import Array
from ..functions import Functions


def functions(binding: KerasBinding) -> Functions:
    """Keras' functions in float64."""
    binding.prepare("float64")
    return Functions(
        constant=lambda array: binding.tensor(array, "float64"),
        exp=ops.exp,
        tanh=ops.tanh,
        log_sigmoid=ops.log_sigmoid,
        sum=ops.sum,
        logsumexp=ops.logsumexp,
        transpose=ops.transpose,
        solve=ops.solve,
        log_det=lambda matrix: ops.slogdet(matrix)[1],
    )


def variables(binding: KerasBinding, arrays: Sequence[Array]) -> SimpleNamespace:
    """`each`, a variable of float64 for each array; `values()`, their tensors."""
    with binding.scope():
        each = [keras.Variable(array, dtype="float64") for array in arrays]
    return SimpleNamespace(
        each=each, trainable_variables=each, values=lambda: [ops.convert_to_tensor(one) for one in each]
    )
