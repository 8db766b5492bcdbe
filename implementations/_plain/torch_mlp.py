"""A multilayer perceptron with named linear heads, in PyTorch: the network of sources that leave theirs abstract."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def softplus(x: Tensor) -> Tensor:
    """log(1 + eˣ) of any shape; `F.softplus` returns x itself from x = 20 on, which is 2e-9 off."""
    return -F.logsigmoid(-x)


ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu, "softplus": softplus}


class MLP(nn.Module):
    """Hidden layers of the widths `hidden`, an activation after each, then one linear layer per head."""

    def __init__(self, size: int, hidden: Sequence[int], heads: Mapping[str, int], activation: str) -> None:
        """`size`: of the input; `heads`: name → size, each kept as an attribute of that name."""
        super().__init__()
        widths = (size, *hidden)
        self.activation = ACTIVATIONS[activation]
        self.hidden = nn.ModuleList(nn.Linear(fan_in, fan_out) for fan_in, fan_out in pairwise(widths))
        self.names = tuple(heads)
        for name in self.names:
            self.add_module(name, nn.Linear(widths[-1], heads[name]))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """x: [..., in] → one [..., out] per head, in the order of `heads`."""
        for layer in self.hidden:
            x = self.activation(layer(x))
        return tuple(getattr(self, name)(x) for name in self.names)
