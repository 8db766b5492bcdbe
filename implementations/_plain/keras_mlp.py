"""A multilayer perceptron with named linear heads, in Keras: the network of sources that leave theirs abstract."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import keras
from keras import layers, ops


def softplus(x: Any) -> Any:
    """log(1 + eˣ) of any shape; `ops.softplus` returns x itself from x = 20 on where torch runs it: 2e-9 off."""
    return -ops.log_sigmoid(-x)


ACTIVATIONS = {"tanh": ops.tanh, "relu": ops.relu, "softplus": softplus}


class MLP(keras.layers.Layer):
    """Hidden layers of the widths `hidden`, an activation after each, then one linear layer per head."""

    def __init__(self, size: int, hidden: Sequence[int], heads: Mapping[str, int], activation: str, name: str) -> None:
        """`size`: of the input; `heads`: head → size, each kept as an attribute of that name."""
        super().__init__(name=name)
        widths = (size, *hidden)
        self.hidden = [dense(*sizes, ACTIVATIONS[activation]) for sizes in pairwise(widths)]
        self.names = tuple(heads)
        for head in self.names:
            setattr(self, head, dense(widths[-1], heads[head]))
        self.built = True

    def call(self, x: Any) -> tuple[Any, ...]:
        """x: [..., in] → one [..., out] per head, in the order of `heads`."""
        for layer in self.hidden:
            x = layer(x)
        return tuple(getattr(self, head)(x) for head in self.names)


def dense(fan_in: int, fan_out: int, activation: Any = None) -> layers.Dense:
    """A dense layer [..., in] → [..., out] that has its weights already."""
    layer = layers.Dense(fan_out, activation=activation)
    layer.build((None, fan_in))
    return layer
