"""Experiment 5, where the data term is no sum over elements: an outer function of the squared error.

With one variance for the whole batch, set to the batch's own mean squared error, a Gaussian gives N·D/2·log(error):
the slope with respect to the reconstruction is everywhere parallel to that of the squared error, and one over it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..lab import Lab, LossFailed
from .element import Observed


@dataclass(frozen=True)
class Outer:
    """A data term that is a function of one sum.

    Attributes:
        name: `variance of the batch`, or what else the graph is.
        likelihood: the contract's word.
        parallel: the largest difference between loss values at equal sums, relative to the range.
        slope: d loss / d log(sum), in units of N·D/2.
    """

    name: str
    likelihood: str
    parallel: float
    slope: float


def outer(lab: Lab, seen: Observed) -> Outer | None:
    """Whether the loss depends on the data side by the sum of squares alone, and how."""
    base = seen.draws[0]
    if "recon" not in base or "x" not in base:
        return None
    shape = np.broadcast_shapes(base["recon"].shape, base["x"].shape)
    if base["recon"].shape != shape:
        return None

    def at(sum_of_squares: float, seed: int) -> float:
        direction = np.random.default_rng(seed).normal(size=shape)
        direction *= np.sqrt(sum_of_squares / (direction**2).sum())
        return lab.value({**base, "recon": base["x"] + direction})

    sums = [0.02, 0.2, 2.0, 20.0]
    try:
        graph = np.array([[at(total, seed) for seed in (1, 2, 3)] for total in sums])
    except LossFailed:
        return None
    reach = float(np.ptp(graph)) or 1.0
    parallel = float(np.ptp(graph, axis=1).max()) / reach
    if parallel > 1e-9:
        return None
    slopes = np.diff(graph[:, 0]) / np.diff(np.log(sums))
    size = float(np.prod(shape))
    for factor in (size / 2, 0.5, base["recon"].size / shape[0] / 2):
        if np.all(np.abs(slopes / factor - slopes[-1] / factor) < 0.05 * abs(slopes[-1] / factor)):
            return Outer("variance of the batch", "gaussian", parallel, float(slopes[-1] / (size / 2)))
    return None
