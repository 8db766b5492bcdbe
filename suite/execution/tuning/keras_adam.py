"""Adam as Keras computes it, as a pure function of tensors that any compiler can fuse with a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..bindings.base import Tensor
from ..bindings.training import Optimizer

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7
"""The defaults of `keras.optimizers.Adam`; its ε is added to the root as it is, without the bias correction."""
RULE = Optimizer()

State = tuple[Tensor, list[Tensor], list[Tensor], list[Tensor]]
"""Steps made, as a number of the weights' dtype; weights, first and second moments."""


def adam(sqrt: Callable[[Any], Any], state: State, gradients: list[Tensor]) -> State:
    """The state after one step.

    Args:
        sqrt: of the framework.
        state: before it.
        gradients: of what is minimised.
    """
    count, weights, first, second = state
    count = count + 1
    rate = RULE.learning_rate * sqrt(1 - BETA_2**count) / (1 - BETA_1**count)
    first = [m + (g - m) * (1 - BETA_1) for m, g in zip(first, gradients, strict=True)]
    second = [v + (g * g - v) * (1 - BETA_2) for v, g in zip(second, gradients, strict=True)]
    weights = [w - rate * m / (sqrt(v) + EPSILON) for w, m, v in zip(weights, first, second, strict=True)]
    return count, weights, first, second
