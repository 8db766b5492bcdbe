"""Has a model without draws a posterior? It has if the decoder reads μ, and the loss has a KL of μ and a scale."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from ...reference.errors import BadInput
from ..dictionary.formula import Array
from ..lab import LossFailed
from .decoder import Recon, decoder
from .run import Place, Run, Runner, Setting, same
from .sampling import NONE, Sampling, kl_of

BUDGET_S = 6.0
"""CPU seconds after which no further pair of tensors is tried."""


def without_noise(runner: Runner, run: Run) -> tuple[Sampling, Recon] | None:
    """μ, the scale's head and the decoder's output; None if no two tensors have a KL, and a decoder of one of them."""
    began = time.process_time()
    for mu, scales in _pairs(run):
        if time.process_time() - began > BUDGET_S:
            return None
        try:
            recon = decoder(runner, run, Sampling(NONE, mu, mu, mu, ""), ())
        except (BadInput, LossFailed):
            continue
        fixed = {place: run.value(place) for place in recon.every}
        for scale in scales:
            kind = kl_of(runner, run, mu, scale, fixed) if _apart(runner, run, mu, scale, fixed) else None
            if kind is not None:
                return Sampling(NONE, mu, mu, scale, kind), recon
    return None


def _pairs(run: Run) -> Iterator[tuple[Place, list[Place]]]:
    """Each output with the other outputs of its shape."""
    shapes: dict[tuple[int, ...], list[Place]] = {}
    for place in run.places():
        value = run.value(place)
        if value.dtype.kind == "f" and value.ndim > 1 and value.shape[0] > 1:
            shapes.setdefault(value.shape, []).append(place)
    for place in run.places():
        others = [other for other in shapes.get(run.value(place).shape, ()) if other != place]
        if others and place in shapes[run.value(place).shape]:
            yield place, others


def _apart(runner: Runner, run: Run, mu: Place, scale: Place, outputs: dict[Place, Array]) -> bool:
    """Whether the decoder's outputs depend neither on the scale nor on a draw, at fixed μ."""
    other = {
        noise: np.random.default_rng(noise).normal(size=run.value(Place(noise)).shape) for noise in run.draws("normal")
    }
    cuts = {mu: run.value(mu), scale: run.value(scale) + 0.3}
    try:
        moved = runner.run(run.x, Setting(replaced=cuts, noise=other))
    except LossFailed:
        return False
    return all(same(moved.value(place), value) for place, value in outputs.items())
