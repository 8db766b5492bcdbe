"""The small models by torch's own functions."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import torch

from ...backends import Binding
from ...reference.problem import Array
from ..functions import Functions


def functions(binding: Binding) -> Functions:
    """Torch's functions in float64."""
    return Functions(
        constant=lambda array: binding.tensor(array, "float64"),
        exp=torch.exp,
        tanh=torch.tanh,
        log_sigmoid=torch.nn.functional.logsigmoid,
        sum=torch.sum,
        logsumexp=torch.logsumexp,
        transpose=torch.t,
        solve=torch.linalg.solve,
        log_det=torch.logdet,
    )


def variables(binding: Binding, arrays: Sequence[Array]) -> SimpleNamespace:
    """`each`, a variable of float64 for each array; `values()`, their tensors."""
    each = [binding.tensor(array, "float64").requires_grad_() for array in arrays]
    return SimpleNamespace(each=each, values=lambda: each)
