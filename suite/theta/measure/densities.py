"""The small models in one framework, by its own functions and its own differentiation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from ...backends import Binding
from ...backends.base import Tensor
from ...reference.problem import Array
from ..cases import Case, evaluations
from ..functions import Functions
from ..models import ROWS

Rows = Callable[[Mapping[str, Tensor], list[Tensor]], list[Tensor]]
Slopes = tuple[list[Array], list[dict[str, Array]]]
Differentiated = Callable[[Mapping[str, Array], Sequence[Array]], Slopes]

# Keras has functions of its own on each of its backends, and leaves differentiation to them.
_FUNCTIONS = {"torch": "on_torch", **dict.fromkeys(("keras-tensorflow", "keras-jax", "keras-torch"), "on_keras")}
_SLOPES = {"torch": "on_torch", "keras-tensorflow": "on_tensorflow", "keras-jax": "on_jax", "keras-torch": "on_torch"}


def functions_of(binding: Binding) -> Functions:
    """The framework's functions in float64."""
    found: Functions = import_module(f".{_FUNCTIONS[binding.backend]}", __package__).functions(binding)
    return found


def slopes_of(binding: Binding, function: Rows, *, gradients: bool) -> Differentiated:
    """Scalars and, if wanted, their derivatives by every weight, by the framework's own differentiation.

    Args:
        binding: what executes.
        function: (weights by name, further tensors) → scalar tensors, all in float64.
        gradients: whether the derivatives are wanted.

    Returns:
        a function of arrays. Its values are [] each; its derivatives, one dictionary per scalar, are shaped like the
        weights, and zero where the framework finds no dependence.
    """
    module = import_module(f".{_SLOPES[binding.backend]}", __package__)
    found: Differentiated = module.slopes(binding, function, gradients=gradients)
    return found


def evaluate_case(binding: Binding, case: Case) -> dict[str, Array]:
    """All evaluations of a case.

    Returns:
        `<key>/value` [row], in the order of `ROWS`; `<key>/gradient/<weight>` [row, ...] where derivatives are wanted.
    """
    f = functions_of(binding)

    def rows(weights: Mapping[str, Any], tensors: list[Any]) -> list[Any]:
        return case.model.rows(f, weights, *tensors)

    plain, differentiated = (slopes_of(binding, rows, gradients=wanted) for wanted in (False, True))
    tensors: dict[str, Array] = {}
    for evaluation in evaluations(case):
        function = differentiated if evaluation.gradients else plain
        values, slopes = function(evaluation.weights, [evaluation.x, evaluation.z])
        tensors[f"{evaluation.key}/value"] = np.array(values)
        for name in evaluation.weights if evaluation.gradients else ():
            tensors[f"{evaluation.key}/gradient/{name}"] = np.stack([slope[name] for slope in slopes])
    wrong = {name: tensor.dtype for name, tensor in tensors.items() if tensor.dtype != np.float64}
    if wrong:
        raise TypeError(f"expected float64 of {binding.backend}; found {wrong}")
    assert all(len(tensors[name]) == len(ROWS) for name in tensors)
    return tensors


def evaluate_cases(binding: Binding, cases: Iterable[Case]) -> dict[str, Array]:
    """`<case>/...` of every case, as `evaluate_case` names them."""
    return {f"{case.name}/{name}": tensor for case in cases for name, tensor in evaluate_case(binding, case).items()}
