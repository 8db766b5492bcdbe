"""Activations: tanh, ReLU, softplus; and the gate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import methodcaller

from ..networks import affine
from ..node import Node
from ..slots import Slot, layer
from .base import ActivationFamily, Weights


class Elementwise(ActivationFamily):
    """A function of the affine part."""

    def __init__(self, word: str) -> None:
        self.word = word
        self._function: Callable[[Node], Node] = methodcaller(word)

    def slots(self, name: str, fan_out: int, fan_in: int) -> Iterator[Slot]:
        return iter(())

    def hidden(self, entering: Node, w: Weights, name: str) -> Node:
        return self.function(affine(entering, w, name))

    def function(self, a: Node) -> Node:
        return self._function(a)


class Gated(ActivationFamily):
    """The layer's output times the sigmoid of a second layer's, `<name>.gate`.

    J. M. Tomczak and M. Welling, *VAE with a VampPrior*, 2018, section 5.2.
    """

    word = "gated"

    def slots(self, name: str, fan_out: int, fan_in: int) -> Iterator[Slot]:
        return layer(f"{name}.gate", fan_out, fan_in)

    def hidden(self, entering: Node, w: Weights, name: str) -> Node:
        return affine(entering, w, name) * affine(entering, w, f"{name}.gate").sigmoid()

    def function(self, a: Node) -> Node:
        raise ValueError("activation 'gated': expected a whole layer; found a function of one number")
