"""Activations: tanh, ReLU, softplus; and the gate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import methodcaller

from ..networks import affine
from ..node import Node, Nodes
from ..weights import Slot, layer
from .base import Family


class Activation(Family):
    """The function after the affine part of a hidden layer, element by element: a node's method of the same name."""

    condition = "activation"

    def __init__(self, word: str) -> None:
        self.word = word
        self.function: Callable[[Node], Node] = methodcaller(word)

    def slots(self, name: str, fan_out: int, fan_in: int) -> Iterator[Slot]:
        """Canonical weights of a hidden layer beside the affine ones."""
        return iter(())

    def hidden(self, entering: Node, w: Nodes, name: str) -> Node:
        """One whole hidden layer."""
        return self.function(affine(entering, w, name))


class Gated(Activation):
    """The layer's output times the sigmoid of a second layer's, `<name>.gate`.

    J. M. Tomczak and M. Welling, *VAE with a VampPrior*, 2018, section 5.2.
    """

    def slots(self, name: str, fan_out: int, fan_in: int) -> Iterator[Slot]:
        return layer(f"{name}.gate", fan_out, fan_in)

    def hidden(self, entering: Node, w: Nodes, name: str) -> Node:
        return affine(entering, w, name) * affine(entering, w, f"{name}.gate").sigmoid()
