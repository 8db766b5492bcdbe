"""The small models in one framework, by its own functions and its own differentiation."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from ...backends import Binding
from ...reference.problem import Array
from ..cases import Case, evaluations
from ..functions import Tensor
from ..models import ROWS
from .vae import DTYPE, mode_of


def own_module(binding: Binding) -> Any:
    """`on_torch` or `on_keras`: the framework's functions and variables."""
    return import_module(f".on_{binding.framework}", __package__)


def evaluate_case(binding: Binding, case: Case) -> dict[str, Array]:
    """All evaluations of a case.

    Returns:
        `<key>/value/<row>` [], and `<key>/gradient/<weight>/<row>` where an evaluation has derivatives.
    """
    tensor = partial(Tensor, f=own_module(binding).FUNCTIONS, binding=binding)
    variables = own_module(binding).variables(binding, list(case.weights.values()))
    paths = {name: f"each.{i}" for i, name in enumerate(case.weights)}

    def rows(x: Any, z: Any) -> dict[str, Any]:
        w: Any = {name: tensor(value) for name, value in zip(case.weights, variables.values(), strict=True)}
        found: dict[str, Any] = case.model.rows(w, tensor(x), tensor(z))  # type: ignore[arg-type]
        return {row: tensor.value for row, tensor in found.items()}

    def one_row(x: Any, z: Any, shares: Any) -> dict[str, Any]:
        found = rows(x, z)
        return {"": sum(shares[i] * found[row] for i, row in enumerate(ROWS))}

    plain = binding.forward(variables, rows, mode_of(binding))
    differentiated = binding.with_gradients(variables, one_row, list(paths.values()), mode_of(binding))
    tensors: dict[str, Array] = {}
    for evaluation in evaluations(case):
        binding.put_weights(variables, {paths[name]: weight for name, weight in evaluation.weights.items()})
        inputs = [binding.tensor(array, DTYPE) for array in (evaluation.x, evaluation.z)]
        values = plain(*inputs)
        tensors |= {f"{evaluation.key}/value/{row}": binding.array(values[row]) for row in ROWS}
        for row, shares in zip(ROWS, np.eye(len(ROWS)), strict=True) if evaluation.gradients else ():
            _, slopes = differentiated(*inputs, binding.tensor(shares, DTYPE))
            key = f"{evaluation.key}/gradient"
            tensors |= {f"{key}/{name}/{row}": binding.array(slopes[path]) for name, path in paths.items()}
    wrong = {name: tensor.dtype for name, tensor in tensors.items() if tensor.dtype != np.float64}
    if wrong:
        raise TypeError(f"expected float64 of {binding.backend}; found {wrong}")
    return tensors


def evaluate_cases(binding: Binding, cases: Iterable[Case]) -> dict[str, Array]:
    """`<case>/...` of every case, as `evaluate_case` names them."""
    return {f"{case.name}/{name}": tensor for case in cases for name, tensor in evaluate_case(binding, case).items()}
