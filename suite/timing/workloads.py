"""The timed problems: a workload's rows are an ordinary problem, and a batch repeats them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import prod

import numpy as np
from numpy.typing import NDArray

from ..reference.problem import Problem
from ..reference.spec import Spec
from ..reference.weights import random_weights, weight_shapes

Array = NDArray[np.float64]

DIGITS = "digits"
MNIST_SIZE = "784-400-20"
AEVB_SIZE = "784-500-20"
CONVOLUTIONAL = "keras-io-conv"
LARGE = "4096-4096-4096-512"
WORKLOADS = {
    DIGITS: Spec("mlp", "bernoulli", "standard", "tanh", hidden=(32,), data_dim=64, latent_dim=8),
    # pytorch/examples, vae/main.py
    MNIST_SIZE: Spec("mlp", "bernoulli", "standard", "relu", hidden=(400,), data_dim=784, latent_dim=20),
    # Auto-Encoding Variational Bayes, section 5
    AEVB_SIZE: Spec("mlp", "bernoulli", "standard", "tanh", hidden=(500,), data_dim=784, latent_dim=20),
    # keras.io, Variational AutoEncoder
    CONVOLUTIONAL: Spec(
        "conv", "bernoulli", "standard", "relu", (16,), 784, 2, image_shape=(1, 28, 28), channels=(32, 64)
    ),
    # fills a GPU
    LARGE: Spec("mlp", "bernoulli", "standard", "relu", hidden=(4096, 4096), data_dim=4096, latent_dim=512),
}

ROWS = 128
#: The largest number of multiplications of a model for all rows of a problem; the cost of the reference is proportional
#: to it.
MULTIPLICATIONS = 1 << 28


@dataclass(frozen=True)
class Workload:
    """A problem with the name and the batch size of its throughput.

    Attributes:
        name: key of `WORKLOADS`.
        batch: images per call, a multiple of the problem's rows.
        problem: data, noise and weights of its rows.
    """

    name: str
    batch: int
    problem: Problem


def rows_of(spec: Spec, batch: int) -> int:
    """The number of different rows in a batch: the cost of the reference depends on it, a timing does not."""
    pixels = prod(spec.image_shape[1:]) // 4 if spec.image_shape else 1  # a kernel is applied to a fourth of them
    multiplications = sum(prod(shape) * (pixels if len(shape) == 4 else 1) for shape in weight_shapes(spec).values())
    rows = 1
    while rows < min(batch, ROWS) and 2 * rows * multiplications <= MULTIPLICATIONS:
        rows *= 2
    return rows


@cache
def _weights(name: str, seed: int) -> dict[str, Array]:
    return random_weights(WORKLOADS[name], seed)


def make_workload(name: str, batch: int, images: Array | None = None, *, seed: int = 2014) -> Workload:
    """A workload at a batch size, with seeded canonical weights and one draw of noise per row.

    Args:
        name: key of `WORKLOADS`.
        batch: images per call, a power of two.
        images: [image, data], in [0, 1]; repeated where there are fewer than rows. None for synthetic binary images: a
            speed does not depend on their content.
        seed: the seed of weights, noise and synthetic data.
    """
    spec = WORKLOADS[name]
    rows = rows_of(spec, batch)
    generator = np.random.default_rng([seed, rows])
    if images is not None:
        x = np.resize(images, (rows, spec.data_dim)).astype(np.float64)
    else:
        x = (generator.random((rows, spec.data_dim)) < 0.2).astype(np.float64)
    noise = generator.standard_normal((1, rows, spec.latent_dim))
    return Workload(name, batch, Problem(f"{name}-batch-{rows}", spec, x, noise, _weights(name, seed)))
