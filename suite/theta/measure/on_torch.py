"""The small models by torch's own functions."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import torch

from ...backends import Binding
from ...reference.problem import Array

FUNCTIONS = SimpleNamespace(
    exp=torch.exp,
    tanh=torch.tanh,
    log_sigmoid=torch.nn.functional.logsigmoid,
    sum=torch.sum,
    logsumexp=torch.logsumexp,
    transpose=torch.t,
    solve=torch.linalg.solve,
    slogdet=torch.slogdet,
)


def variables(binding: Binding, arrays: Sequence[Array]) -> SimpleNamespace:
    """`each`, a variable of float64 for each array; `values()`, their tensors."""
    each = [binding.tensor(array, "float64").requires_grad_() for array in arrays]
    return SimpleNamespace(each=each, values=lambda: each)
