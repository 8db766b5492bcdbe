"""The logit from which a published likelihood (sigmoid, then cross-entropy) differs from the Bernoulli likelihood."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from ..backends import Binding
from ..notations.notation import Notation
from ..notations.roles import ROLES
from ..notations.writing import written_by
from ..reference.problem import Problem
from ..reference.spec import Spec
from ..reference.weights import weight_shapes
from ..workers.records import Cell
from ..workers.subject import prepare

DEPARTURE = 0.01
"""The error in nats per pixel from which the published likelihood counts as another function."""

STEP, LIMIT = 1 / 64, 1024
"""The tested logits are all multiples of STEP up to LIMIT; each is exact in float32."""

# Zero everywhere but here: both heads of the encoder are 0, so z is the noise, and max(z, 0) − max(−z, 0) = z is the
# decoder's logit, without any rounding. One call tries all logits, each as a datum of one pixel.
_SPEC = Spec("mlp", "bernoulli", "standard", "relu", hidden=(2,), data_dim=1, latent_dim=1)
_WEIGHTS = {"decoder.hidden.0.weight": [[1.0], [-1.0]], "decoder.logits.weight": [[1.0, -1.0]]}


def clamp_logit(binding: Binding, cell: Cell, notation: Notation, module: ModuleType) -> dict[str, float | None] | None:
    """The smallest wrong logit at which the published likelihood has an error of more than DEPARTURE.

    All logits of a grid are tested, without bisection: where a probability near 1 has few digits left,
    the error goes up and down from one logit to the next.

    Args:
        binding: what runs the cell.
        cell: a cell of mode `published`; its dtype is measured.
        notation: a notation that has `quantities_as_published`.
        module: its implementation.

    Returns:
        the smallest |a| at which −log p(x|a) as published differs from log(1 + e^|a|): under `x1` for a pixel of 1 with
        a < 0, under `x0` for a pixel of 0 with a > 0; None where it does not up to LIMIT. None for both at once where
        the notation cannot express the one-pixel model.
    """
    if written_by(notation, _SPEC) is None:
        return None
    logits = np.arange(STEP, LIMIT + STEP, STEP)
    problem = _problem(logits)
    subject = prepare(binding, replace(cell, problem=problem.name), notation, module, problem)
    symbol = notation.symbol("log_likelihood", _SPEC)
    assert symbol is not None and symbol.quantity is not None and ROLES[symbol.role].tensor == "log_likelihood"
    noise = problem.noise if "sample" in notation.noise_axes else problem.noise[0]
    forward = binding.forward(subject.model, subject.method("quantities"), cell.mode)
    outputs = forward(subject.data(problem.x), binding.tensor(noise, cell.dtype))
    published = -subject.canonical(symbol, binding.array(outputs[symbol.quantity]))
    with np.errstate(invalid="ignore"):
        off = ~(np.abs(published - np.logaddexp(0, np.tile(logits, 2))) <= DEPARTURE)  # so that a NaN is off
    x1, x0 = off.reshape(2, -1)
    return {"x1": _first(logits, x1), "x0": _first(logits, x0)}


def _problem(logits: NDArray[np.float64]) -> Problem:
    """First the pixels of 1 with the logits −a, then the pixels of 0 with the logits a."""
    shapes = weight_shapes(_SPEC)
    weights = {name: np.asarray(_WEIGHTS.get(name, np.zeros(shape))).reshape(shape) for name, shape in shapes.items()}
    x = np.repeat([1.0, 0.0], len(logits))[:, None]
    return Problem("clamp", _SPEC, x, np.concatenate([-logits, logits])[None, :, None], weights)


def _first(logits: NDArray[np.float64], off: NDArray[np.bool_]) -> float | None:
    return float(logits[off.argmax()]) if off.any() else None
