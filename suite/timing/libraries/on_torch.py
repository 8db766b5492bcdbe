"""The shared code of libraries on torch: torch's global generator is seeded before a first call, and replayed later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from .base import SEED, Array, LibraryRun, layers

MOST_DRAWS = 8
"""The largest number of draws in a call: a call that compiles also draws while it traces."""


class TorchRun(LibraryRun):
    """A call that draws from torch's global generator.

    Args:
        linear: the model's layers by canonical name.
        weights: canonical, float32.
    """

    def __init__(self, linear: Mapping[str, torch.nn.Linear], weights: Mapping[str, Array]):
        self.linear, self.initial = linear, weights
        self.after = torch.get_rng_state()
        self.put_weights()

    def put_weights(self) -> None:
        """Give the layers the problem's weights."""
        with torch.no_grad():
            for name, layer in self.linear.items():
                layer.weight.copy_(torch.from_numpy(self.initial[f"{name}.weight"]))
                layer.bias.copy_(torch.from_numpy(self.initial[f"{name}.bias"]))

    def first(self) -> Any:
        torch.manual_seed(SEED)
        outputs = self()
        self.after = torch.get_rng_state()
        return outputs

    def replay(self, draw: Callable[[], torch.Tensor]) -> Array:
        """The draw, [batch, latent], after which the generator is in the state in which the first call left it.

        Raises:
            ValueError: no draw leads to that state: the library draws in another way.
        """
        kept = torch.get_rng_state()
        try:
            torch.manual_seed(SEED)
            for _ in range(MOST_DRAWS):
                noise = draw()
                if torch.equal(torch.get_rng_state(), self.after):
                    return noise.numpy()
        finally:
            torch.set_rng_state(kept)
        raise ValueError(f"expected torch's generator in the state after the call; {MOST_DRAWS} draws did not reach it")

    def moments_of(self, state: Callable[[torch.Tensor], Mapping[str, Any]]) -> dict[str, Array]:
        """Adam's first moment by canonical weight, from a torch optimiser's state of each parameter."""

        def read(name: str) -> tuple[Array, Array]:
            layer = self.linear[name]
            return state(layer.weight)["exp_avg"].numpy(), state(layer.bias)["exp_avg"].numpy()

        return layers(read)

    def weight(self) -> Any:
        return next(iter(self.linear.values())).weight
