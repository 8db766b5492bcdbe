"""Models whose author forgot to draw: the decoder reads μ, and a KL of μ and a scale is there beside it."""

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
    """μ, the scale's head and the decoder's output; None where no two tensors have a normal KL beside a decoder."""
    began = time.process_time()
    for mu, scales in _pairs(run):
        if time.process_time() - began > BUDGET_S:
            return None
        try:
            recon = decoder(runner, run, Sampling(NONE, mu, mu, mu, ""), ())
        except (BadInput, LossFailed):
            continue
        held = {place: run.value(place) for place in recon.every}
        for scale in scales:
            kind = kl_of(runner, run, mu, scale, held) if _apart(runner, run, mu, scale, held) else None
            if kind is not None:
                return Sampling(NONE, mu, mu, scale, kind), recon
    return None


def _pairs(run: Run) -> Iterator[tuple[Place, list[Place]]]:
    """Every output with the others of its shape."""
    shapes: dict[tuple[int, ...], list[Place]] = {}
    for place in run.places():
        value = run.value(place)
        if value.dtype.kind == "f" and value.ndim > 1 and value.shape[0] > 1:
            shapes.setdefault(value.shape, []).append(place)
    for place in run.places():
        others = [other for other in shapes.get(run.value(place).shape, ()) if other != place]
        if others and place in shapes[run.value(place).shape]:
            yield place, others


def _apart(runner: Runner, run: Run, mu: Place, scale: Place, held: dict[Place, Array]) -> bool:
    """Whether the decoder moves neither with the scale nor with a draw, while μ is held."""
    other = {
        noise: np.random.default_rng(noise).normal(size=run.value(Place(noise)).shape) for noise in run.draws("normal")
    }
    cuts = {mu: run.value(mu), scale: run.value(scale) + 0.3}
    try:
        moved = runner.run(run.x, Setting(replaced=cuts, noise=other))
    except LossFailed:
        return False
    return all(same(moved.value(place), value) for place, value in held.items())
