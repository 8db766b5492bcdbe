"""The small models by torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from ...backends import Binding
from ...reference.problem import Array
from ..functions import Functions
from .densities import Differentiated, Rows, Slopes


def functions(binding: Binding) -> Functions:
    """See `densities.functions_of`."""
    return Functions(
        constant=lambda array: binding.tensor(array, "float64"),
        exp=torch.exp,
        log=torch.log,
        tanh=torch.tanh,
        log_sigmoid=torch.nn.functional.logsigmoid,
        sum=torch.sum,
        logsumexp=torch.logsumexp,
        transpose=torch.t,
        solve=torch.linalg.solve,
        log_det=torch.logdet,
    )


def slopes(binding: Binding, function: Rows, *, gradients: bool) -> Differentiated:
    """See `densities.slopes_of`."""

    def call(weights: Mapping[str, Array], arrays: Sequence[Array]) -> Slopes:
        leaves = {name: binding.tensor(weight, "float64").requires_grad_() for name, weight in weights.items()}
        rows = function(leaves, [binding.tensor(array, "float64") for array in arrays])
        found: list[dict[str, Array]] = []
        for row in rows if gradients else ():
            # a row that no weight enters has no graph at all
            row = row if row.requires_grad else row + 0 * next(iter(leaves.values())).sum()
            by_name = torch.autograd.grad(row, list(leaves.values()), retain_graph=True, allow_unused=True)
            found.append(
                {
                    name: binding.array(torch.zeros_like(leaf) if slope is None else slope)
                    for (name, leaf), slope in zip(leaves.items(), by_name, strict=True)
                }
            )
        return [binding.array(row.detach()) for row in rows], found

    return call
