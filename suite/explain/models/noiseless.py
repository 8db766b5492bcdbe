"""Models whose author forgot to draw: the decoder reads μ, and a KL of μ and a scale is there beside it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from ...reference.errors import BadInput
from ..dictionary.formula import Array
from ..dictionary.scale_kinds import VARIANCE
from ..lab import LossFailed
from .decoder import Recon, decoder
from .run import Place, Run, Runner, Setting, same
from .sampling import NONE, Sampling

_DRAWS = 8
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
        for scale in scales:
            kind = _kl(runner, run, mu, scale, recon)
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


def _kl(runner: Runner, run: Run, mu: Place, scale: Place, recon: Recon) -> str | None:
    """The scale kind of a normal KL of two outputs, with a free factor and offset, that moves the decoder by μ alone."""
    held = {place: run.value(place) for place in recon.every}
    random = np.random.default_rng(9)
    seen: list[tuple[Array, Array, dict[str, Array]]] = []
    try:
        moved = runner.run(run.x, Setting(replaced={mu: run.value(mu), scale: run.value(scale) + 0.3}))
        if not all(same(moved.value(place), value) for place, value in held.items()):
            return None
        for _ in range(_DRAWS):
            mean = random.normal(size=run.value(mu).shape)
            head = random.uniform(0.3, 1.9, mean.shape)
            terms = runner.run(run.x, Setting(replaced={**held, mu: mean, scale: head}, terms_only=True)).terms
            seen.append((mean, head, terms))
    except LossFailed:
        return None
    for name in seen[0][2]:
        values = np.array([float(np.sum(terms[name])) for _, _, terms in seen])
        for kind, variance in VARIANCE.items():
            column = np.array([_divergence(mean, variance(head)) for mean, head, _ in seen])
            centred, target = column - column.mean(), values - values.mean()
            left = np.abs(target - centred * (centred @ target) / (centred @ centred)).max()
            if np.ptp(values) > 1e-9 and left < 1e-9 * np.abs(target).max():
                return kind
    return None


def _divergence(mean: Array, variance: Array) -> float:
    return float(0.5 * np.sum(mean**2 + variance - 1 - np.log(variance)))
