"""The problems that are timed: a workload at a batch size is a problem like any other, proven before it is timed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...definition.problem import Problem
from ...definition.random import random_weights
from ...definition.spec import Spec

Array = NDArray[np.float64]

DIGITS = "digits"
MNIST_SIZE = "784-400-20"
WORKLOADS = {
    DIGITS: Spec("mlp", "bernoulli", "standard", "tanh", hidden=(32,), data_dim=64, latent_dim=8),
    MNIST_SIZE: Spec("mlp", "bernoulli", "standard", "relu", hidden=(400,), data_dim=784, latent_dim=20),
}


@dataclass(frozen=True)
class Workload:
    """A problem with the words under which its throughput is reported."""

    name: str
    batch: int
    problem: Problem


def make_workload(name: str, batch: int, digits: Array | None = None, *, seed: int = 2014) -> Workload:
    """A workload at a batch size, with seeded canonical weights and one draw of noise per image.

    Args:
        name: key of `WORKLOADS`.
        batch: images per call.
        digits: [image, 64], in [0, 1]; the data of `digits`, repeated where there are fewer than `batch`.
            The other workload's data are synthetic and binary: a speed does not depend on what they show.
        seed: of weights, noise and synthetic data.
    """
    spec = WORKLOADS[name]
    generator = np.random.default_rng([seed, batch])
    if name == DIGITS:
        assert digits is not None, "the digits workload needs its images"
        x = np.resize(digits, (batch, spec.data_dim)).astype(np.float64)
    else:
        x = (generator.random((batch, spec.data_dim)) < 0.2).astype(np.float64)
    noise = generator.standard_normal((1, batch, spec.latent_dim))
    return Workload(name, batch, Problem(f"{name}-batch-{batch}", spec, x, noise, random_weights(spec, seed)))
