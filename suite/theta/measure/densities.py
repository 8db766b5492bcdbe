"""The small models in one framework: their rows and the derivatives that the framework itself finds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...backends import Binding
from ..cases import Case, evaluations
from ..models import ROWS
from .derivatives import functions_of, slopes_of

Array = NDArray[Any]


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
