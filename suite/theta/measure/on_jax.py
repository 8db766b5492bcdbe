"""Derivatives of the small models by JAX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jax

from ...backends import Binding
from ...reference.problem import Array
from .densities import Differentiated, Rows, Slopes


def slopes(binding: Binding, function: Rows, *, gradients: bool) -> Differentiated:
    """See `densities.slopes_of`."""
    compiled = jax.jit(function)
    differentiated = jax.jit(jax.jacrev(function))  # rows → weights → derivative

    def call(weights: Mapping[str, Array], arrays: Sequence[Array]) -> Slopes:
        inputs = {name: binding.tensor(weight, "float64") for name, weight in weights.items()}
        tensors = [binding.tensor(array, "float64") for array in arrays]
        found = differentiated(inputs, tensors) if gradients else []
        rows = compiled(inputs, tensors)
        return [binding.array(row) for row in rows], [{n: binding.array(s) for n, s in row.items()} for row in found]

    return call
