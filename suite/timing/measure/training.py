"""Training: an update rule, and a step with its state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
Tensor = Any


@dataclass(frozen=True)
class Optimizer:
    """An update rule that both frameworks compute in the same way.

    Attributes:
        name: `adam`, or `adagrad` with its ε inside the root as the start of the accumulator.
        learning_rate: step size.
        accumulator: the initial value of Adagrad's Σg².
    """

    name: str = "adam"
    learning_rate: float = 1e-3
    accumulator: float = 1e-6


ADAM = Optimizer()
"""The rule of every timed training."""


class Training(ABC):
    """A training step with its state: weights and optimiser slots."""

    @abstractmethod
    def step(self, x: Tensor, noise: Tensor) -> Tensor:
        """Forward, backward, update. Returns the objective before the update, asynchronously where the device is."""

    def pending(self) -> Any:
        """Asynchronous results of a step other than its value; none where the harness waits for the whole device."""
        return ()

    @abstractmethod
    def restore(self, weights: Mapping[str, Array]) -> None:
        """Give the weights these values, by attribute path, and the optimiser its fresh state, without recompiling."""

    @abstractmethod
    def weights(self) -> dict[str, Array]:
        """The present weights by attribute path."""

    @abstractmethod
    def first_moments(self) -> dict[str, Array]:
        """Adam's first moment by attribute path: after one step from its fresh state, (1 − β₁) times the gradient."""
