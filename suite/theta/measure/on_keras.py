"""The small models by Keras' own functions; its backends differentiate them."""

from __future__ import annotations

from keras import ops

from ...backends.keras import KerasBinding
from ..functions import Functions


def functions(binding: KerasBinding) -> Functions:
    """See `densities.functions_of`."""
    binding.prepare("float64")
    return Functions(
        constant=lambda array: binding.tensor(array, "float64"),
        exp=ops.exp,
        log=ops.log,
        tanh=ops.tanh,
        log_sigmoid=ops.log_sigmoid,
        sum=ops.sum,
        logsumexp=ops.logsumexp,
        transpose=ops.transpose,
        solve=ops.solve,
        log_det=lambda matrix: ops.slogdet(matrix)[1],
    )
