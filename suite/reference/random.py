"""Seeded random canonical weights, for problems whose weights nobody trained."""

from __future__ import annotations

from math import prod, sqrt

import numpy as np

from .arithmetic import Array
from .spec import Spec
from .weights import slots

BIAS_SCALE = 0.05
"""Standard deviation of biases and of a learned prior's parameters: small, but a dropped one is seen."""


def random_weights(spec: Spec, seed: int) -> dict[str, Array]:
    """Normal weights of variance 1/fan_in about each weight's centre.

    A variance of 2/fan_in before a ReLU would only raise the scale of every tensor alike.

    Args:
        spec: the model.
        seed: the same seed gives the same weights.

    Returns:
        canonical name → float64 tensor, in the order of data flow.
    """
    generator = np.random.default_rng(seed)
    weights = {}
    for slot in slots(spec):
        scale = 1 / sqrt(fan_in(slot.axes, slot.shape)) if len(slot.shape) > 1 else BIAS_SCALE
        weights[slot.name] = slot.centre + scale * generator.standard_normal(slot.shape)
    return weights


def fan_in(axes: str, shape: tuple[int, ...]) -> int:
    """How many products of a weight one output sums. A kernel's taps count as inputs.

    Args:
        axes: of a canonical weight: `out in`, `in out height width`, `out (channel height width)`, ...
        shape: its shape.
    """
    leading = axes.split()[0]
    outputs = shape[1] if leading == "in" else shape[0]
    return prod(shape) // outputs
