"""The canonical weights of a specification: names, axes and shapes, in the order of data flow.

Each family says which are its own: the encoder's first, with the heads of q(z|x), then the prior's, then the decoder's,
with the heads of p(x|z).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import prod, sqrt

import numpy as np

from .arithmetic import Array
from .spec import Spec

IMAGE = "(channel height width)"

BIAS_SCALE = 0.05
"""Standard deviation of biases and of a learned prior's parameters: small, but a dropped one is seen."""


@dataclass(frozen=True)
class Slot:
    """One canonical weight.

    Attributes:
        axes: by name, outermost first. Parentheses mark a composite axis, outermost part first:
            `out (channel height width)` is a matrix whose columns run over an image.
        shape: one size per axis.
        centre: the mean of random weights.
    """

    name: str
    axes: str
    shape: tuple[int, ...]
    centre: float = 0.0


def weight_axes(spec: Spec) -> dict[str, str]:
    """Canonical weights in the order of data flow, each with its axes."""
    return {slot.name: slot.axes for slot in slots(spec)}


def weight_shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """Canonical weights in the order of data flow, each with its shape."""
    return {slot.name: slot.shape for slot in slots(spec)}


def slots(spec: Spec) -> Iterator[Slot]:
    """Canonical weights in the order of data flow."""
    yield from spec.families.posterior.slots(spec)
    yield from spec.families.prior.slots(spec)
    yield from spec.families.decoder_weights.slots(decoder_slots(spec))


def decoder_slots(spec: Spec) -> list[Slot]:
    """The decoder's weights themselves, whether they are points or have a posterior."""
    between = spec.families.latents.decoder_slots(spec)
    return [*between, *spec.families.network.decoder_slots(spec, spec.layers[0])]


def drawn_shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """The decoder's weights that noise is drawn for, each with its shape; none where they are points."""
    return spec.families.decoder_weights.drawn(decoder_slots(spec))


def layer(name: str, fan_out: int, fan_in: int, *, out: str = "out", into: str = "in") -> Iterator[Slot]:
    """`<name>.weight` and `<name>.bias` of an affine layer; `out` and `into` name the axes."""
    yield Slot(f"{name}.weight", f"{out} {into}", (fan_out, fan_in))
    yield Slot(f"{name}.bias", out, (fan_out,))


def hidden_layers(spec: Spec, name: str, sizes: tuple[int, ...], *, into: str = "in") -> Iterator[Slot]:
    """`<name>.<i>` from each of `sizes` to the next, and what the activation needs beside it; `into` is data's axis."""
    for i, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        yield from layer(f"{name}.{i}", fan_out, fan_in, into=into if i == 0 else "in")
        yield from spec.families.activation.slots(f"{name}.{i}", fan_out, fan_in)


def random_weights(spec: Spec, seed: int) -> dict[str, Array]:
    """Normal weights of variance 1/fan_in; their mean is each weight's centre.

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
        axes: the axes of a canonical weight: `out in`, `in out height width`, `out (channel height width)`, ...
        shape: its shape.
    """
    leading = axes.split()[0]
    outputs = shape[1] if leading == "in" else shape[0]
    return prod(shape) // outputs
