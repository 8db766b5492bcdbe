"""Networks of strided 3×3 convolutions, and one hidden layer between them and the latents."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import prod

import numpy as np

from ..arithmetic import Selection
from ..networks import hidden
from ..node import Node, Nodes
from ..spec import Spec
from ..weights import IMAGE, Slot, hidden_layers, layer
from .network import Network

Shape = tuple[int, int, int]


class Convolutional(Network):
    """`encoder.conv.<i>` of the widths in `channels`, each halving the sides; `decoder.conv.<i>` doubles them again.

    Images are flattened as channel, height, width.
    """

    word = "conv"
    fields = ("image_shape", "channels")
    combines = (
        ("likelihood", ("bernoulli",)),
        ("posterior", ("diagonal",)),
        ("prior", ("standard", "learned")),
        ("latents", ("none",)),
        ("decoder_weights", ("point",)),
        ("activation", ("tanh", "relu", "softplus")),
    )

    def contradictions(self, spec: Spec) -> Iterator[tuple[str, str]]:
        assert spec.image_shape and spec.channels
        if len(spec.hidden) != 1:
            yield "hidden", f"network 'conv' has one hidden layer; found {len(spec.hidden)}"
        if spec.data_dim != prod(spec.image_shape):
            yield "data_dim", f"expected {prod(spec.image_shape)}, the product of image_shape; found {spec.data_dim}"
        halvings = 2 ** len(spec.channels)
        for side in spec.image_shape[1:]:
            if side % halvings:
                yield "image_shape", f"sides must be divisible by {halvings} (2 per convolution); found {side}"

    def encoder_slots(self, spec: Spec) -> Iterator[Slot]:
        assert spec.image_shape and spec.channels
        for i, (fan_in, fan_out) in enumerate(pairwise((spec.image_shape[0], *spec.channels))):
            yield from _convolution(f"encoder.conv.{i}", fan_out, fan_in)
        yield from hidden_layers(spec, "encoder.hidden", (prod(spec.bottom_shape), *spec.hidden), into=IMAGE)

    def decoder_slots(self, spec: Spec, width: int) -> Iterator[Slot]:
        assert spec.image_shape and spec.channels
        yield from layer("decoder.hidden.0", prod(spec.bottom_shape), width, out=IMAGE)
        for i, (fan_in, fan_out) in enumerate(pairwise((spec.channels[-1], *spec.channels[::-1]))):
            yield from _convolution(f"decoder.conv.{i}", fan_out, fan_in, transposed=True)
        yield from _convolution("decoder.logits", spec.image_shape[0], spec.channels[0])

    def encode(self, spec: Spec, x: Node, w: Nodes) -> Node:
        """x [batch, data] → features [batch, (channel height width)] after the strided convolutions."""
        assert spec.image_shape and spec.channels
        image, shape = x, spec.image_shape
        for i, channel in enumerate(spec.channels):
            convolved = _convolve(image, shape, w, f"encoder.conv.{i}", stride=2, before=0)
            image = spec.families.activation.function(convolved)
            shape = (channel, shape[1] // 2, shape[2] // 2)
        return image

    def decode(self, spec: Spec, entering: Node, w: Nodes) -> dict[str, Node]:
        """[sample, batch, in] → logits [sample, batch, data]."""
        assert spec.channels
        bottom = hidden(spec, entering, w, "decoder.hidden")
        samples, batch, _ = bottom.shape
        shape = spec.bottom_shape
        image = bottom.reshape(samples * batch, prod(shape))
        for i, channel in enumerate(reversed(spec.channels)):
            convolved = _convolve_transposed(image, shape, channel, w, f"decoder.conv.{i}")
            image = spec.families.activation.function(convolved)
            shape = (channel, shape[1] * 2, shape[2] * 2)
        logits = _convolve(image, shape, w, "decoder.logits", stride=1, before=1)
        return {"logits": logits.reshape(samples, batch, spec.data_dim)}

    def widest(self, spec: Spec) -> int:
        assert spec.image_shape and spec.channels
        channel, height, width = spec.image_shape
        return 9 * height * width * max(channel, *spec.channels)  # no patches are more than these


def _convolution(name: str, fan_out: int, fan_in: int, *, transposed: bool = False) -> Iterator[Slot]:
    axes, shape = ("in out", (fan_in, fan_out)) if transposed else ("out in", (fan_out, fan_in))
    yield Slot(f"{name}.weight", f"{axes} height width", (*shape, 3, 3))
    yield Slot(f"{name}.bias", "out", (fan_out,))


def patches(channels: int, height: int, width: int, *, stride: int, before: int) -> Selection:
    """The 3×3 patches of an image flattened as channel, height, width: places (patch, channel·3·3).

    Args:
        channels, height, width: the sizes of the image.
        stride: between patches; the image has (height/stride)·(width/stride) of them.
        before: zeros before the first row and column; as many as needed follow the last.
    """
    image = np.full((channels, height + before + 1, width + before + 1), -1, dtype=np.intp)
    places = np.arange(channels * height * width).reshape(channels, height, width)
    image[:, before : before + height, before : before + width] = places
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3), axis=(1, 2))
    chosen = windows[:, :height:stride, :width:stride].transpose(1, 2, 0, 3, 4)
    return Selection(chosen.reshape(-1, channels * 9), channels * height * width)


def _convolve(image: Node, shape: Shape, w: Nodes, name: str, *, stride: int, before: int) -> Node:
    """[image, (channel height width)] → the same of the output."""
    weight = w[f"{name}.weight"]
    out, images = weight.shape[0], image.shape[0]
    taken = image.copy(patches(*shape, stride=stride, before=before))
    pixels = taken.linear(weight.reshape(out, shape[0] * 9)) + w[f"{name}.bias"]  # [image, place, out]
    return pixels.transpose(0, 2, 1).reshape(images, -1)


def _convolve_transposed(image: Node, shape: Shape, out: int, w: Nodes, name: str) -> Node:
    """The adjoint of the 'same' convolution of stride 2, then the bias: sides double."""
    images = image.shape[0]
    channels, height, width = shape
    pixels = image.reshape(images, channels, height * width).transpose(0, 2, 1)
    matrix = w[f"{name}.weight"].reshape(channels, out * 9).transpose(1, 0)
    stamps = pixels.linear(matrix)  # [image, place, (out 3 3)]
    stamped = stamps.add_up(patches(out, 2 * height, 2 * width, stride=2, before=0))
    planes = stamped.reshape(images, out, 4 * height * width) + w[f"{name}.bias"].reshape(out, 1)
    return planes.reshape(images, -1)
