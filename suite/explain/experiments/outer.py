"""Experiment 5 for a data term that is no sum over elements: is it a function of the squared error?

A Gaussian whose variance is the batch's mean squared error gives N·D/2·log(error), the optimal σ-VAE of Rybkin et al.
(2021). With a variance per example it gives Σ_n D/2·log(error_n).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..lab import Lab, LossFailed
from .element import FEWEST, Observed


@dataclass(frozen=True)
class Outer:
    """A data term that is a function of the sum of squared errors.

    Attributes:
        name: `variance of the batch`, or `variance of each example`.
        likelihood: the contract's word.
        parallel: the largest difference of the loss at equal sums, relative to its range.
        slope: d loss / d log(sum), over N·D/2 for the sum of a batch, over D/2 for the sum of an example.
        of_batch: whether the sum is over the batch, and not over an example.
    """

    name: str
    likelihood: str
    parallel: float
    slope: float
    of_batch: bool = True


def outer(lab: Lab, seen: Observed) -> Outer | None:
    """The function of the squared error that the data term is; None if it is no such function."""
    base = seen.draws[0]
    if "recon" not in base or "x" not in base:
        return None
    each = of_each(lab, seen)
    if each is not None:
        return each
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


def of_each(lab: Lab, seen: Observed) -> Outer | None:
    """The data term Σ_n D/2·log(Σ_d (x − x̂)²); None if it is another."""
    layout = lab.binding.layout
    if layout.axes("recon") != layout.axes("x") or not layout.batch or len(seen.draws) < FEWEST:
        return None
    squares = np.array([((one["x"] - one["recon"]) ** 2).reshape(lab.sizes["N"], -1).sum(1) for one in seen.draws])
    column = np.log(squares).sum(axis=1)
    centred, target = column - column.mean(), seen.values - seen.values.mean()
    scale = float(centred @ target / (centred @ centred))
    residual = float(np.abs(target - scale * centred).max())
    if not scale or residual > lab.allowed(seen.size, scale * np.abs(np.log(squares)).sum(axis=1).max()):
        return None
    size = seen.draws[0]["x"][0].size
    return Outer("variance of each example", "gaussian", residual / float(np.ptp(target)), scale / (size / 2), False)
