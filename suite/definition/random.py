"""Seeded random canonical weights, for problems whose weights nobody trained."""

from __future__ import annotations

from fnmatch import fnmatchcase
from math import prod, sqrt

import numpy as np
from numpy.typing import NDArray

from .spec import Spec
from .weights import weight_axes, weight_shapes

Array = NDArray[np.float64]

BIAS_SCALE = 0.05
"""Standard deviation of biases and of a learned prior's parameters: small, but a dropped one is seen."""

CENTRES = {"prior.pseudo_inputs": 0.5, "decoder.*.log_variance": -4.0}
"""What pseudo-inputs vary about (images do so between 0 and 1), and the log-variance of decoder weights."""


def random_weights(spec: Spec, seed: int) -> dict[str, Array]:
    """Normal weights of variance 1/fan_in (2/fan_in before a ReLU would only raise the scale of every tensor alike).

    Args:
        spec: the model.
        seed: the same seed gives the same weights.

    Returns:
        canonical name → float64 tensor, in the order of data flow.
    """
    generator = np.random.default_rng(seed)
    axes = weight_axes(spec)
    weights = {}
    for name, shape in weight_shapes(spec).items():
        scale = 1 / sqrt(fan_in(axes[name], shape)) if len(shape) > 1 else BIAS_SCALE
        weights[name] = _centre(spec, name) + scale * generator.standard_normal(shape)
    return weights


def _centre(spec: Spec, name: str) -> float:
    if spec.decoder_weights == "point" and name.startswith("decoder."):
        return 0.0  # its head `decoder.log_variance` is a layer
    return next((centre for pattern, centre in CENTRES.items() if fnmatchcase(name, pattern)), 0.0)


def fan_in(axes: str, shape: tuple[int, ...]) -> int:
    """How many products of a weight one output sums. A kernel's taps count as inputs.

    Args:
        axes: of a canonical weight: `out in`, `in out height width`, `out (channel height width)`, ...
        shape: its shape.
    """
    leading = axes.split()[0]
    outputs = shape[1] if leading == "in" else shape[0]
    return prod(shape) // outputs
