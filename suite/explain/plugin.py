"""What does the pytest plug-in offer? One fixture of inputs; the assertions of `asserted` need no fixture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def elbostone_probe() -> Callable[..., dict[str, Any]]:
    """A function that makes inputs of a loss: `elbostone_probe(N=5, D=7, J=3, seed=0)`.

    It returns float64 arrays by name: `x` and `recon`: [N, D], in (0, 1); `logits`: [N, D]; `mu`, `logvar` and `z`:
    [N, J]. The default sizes are pairwise coprime, so that a sum is not mistaken for a mean.
    """
    import numpy as np  # imported here, so that a test run without the fixture does not pay for it

    def probe(N: int = 5, D: int = 7, J: int = 3, seed: int = 0) -> dict[str, Any]:  # noqa: N803  # the sizes' names
        random = np.random.default_rng(seed)
        unit = {name: random.uniform(0.1, 0.9, (N, D)) for name in ("x", "recon")}
        latent = {name: random.uniform(-1.5, 1.5, (N, J)) for name in ("mu", "logvar", "z")}
        return {**unit, "logits": random.uniform(-2.0, 2.0, (N, D)), **latent}

    return probe
