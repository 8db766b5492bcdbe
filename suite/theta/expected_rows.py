"""What the rows and their derivatives are, in float64 NumPy, and how far rounding may move them: N.

Derivatives are taken by a complex step: Im f(w + ih)/h has no cancellation, so that h can be far below eps, and it
shares no code with any framework's differentiation.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..reference.problem import Array
from .cases import Case, Evaluation
from .functions import Functions, exact, moved
from .models import ROWS

STEP = 2.0**-100
RUNS = 16
"""Of the moved arithmetic; as many as `oracle.noise_scale` takes."""

Tensors = dict[str, Array]


def evaluate(case: Case, evaluation: Evaluation, f: Functions | None = None) -> Tensors:
    """`value` [row], in the order of `ROWS`, and `gradient/<weight>` [row, ...] if the evaluation wants them."""
    f = f or exact()
    tensors = {"value": _rows(case, evaluation, evaluation.weights, f).real}
    if evaluation.gradients:
        for name, weight in evaluation.weights.items():
            slope = np.empty((len(ROWS), weight.size))
            for i in range(weight.size):
                nudged = weight.astype(complex)
                nudged.reshape(-1)[i] += 1j * STEP
                slope[:, i] = _rows(case, evaluation, {**evaluation.weights, name: nudged}, f).imag / STEP
            tensors[f"gradient/{name}"] = slope.reshape(len(ROWS), *weight.shape)
    return tensors


def noise_scale(case: Case, evaluation: Evaluation, *, runs: int = RUNS) -> dict[str, Array]:
    """N of each tensor, row by row: the largest deviation from `evaluate` over seeded runs of the moved arithmetic.

    Returns:
        as `evaluate`, each [row]; of a gradient, the largest over the tensor's elements.
    """
    truth = evaluate(case, evaluation)
    worst = {name: np.zeros(len(ROWS)) for name in truth}
    for seed in range(runs):
        for name, tensor in evaluate(case, evaluation, moved(seed)).items():
            deviation = np.abs(tensor - truth[name]).reshape(len(ROWS), -1).max(axis=1)
            worst[name] = np.maximum(worst[name], deviation)
    return worst


def _rows(case: Case, evaluation: Evaluation, weights: Mapping[str, Array], f: Functions) -> Array:
    inputs = {name: f.constant(weight) for name, weight in weights.items()}
    rows = case.model.rows(f, inputs, f.constant(evaluation.x), f.constant(evaluation.z))
    return np.array([np.asarray(row) for row in rows])
