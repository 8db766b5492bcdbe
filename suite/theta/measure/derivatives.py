"""Functions and derivatives of one framework, which the small models are evaluated by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from numpy.typing import NDArray

from ...backends import Binding
from ...backends.base import Tensor
from ..functions import Functions

Array = NDArray[Any]
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
