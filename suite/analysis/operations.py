"""The matrix products that a stage cannot do without, and the bytes of the weights that it must read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import prod

import numpy as np

from ..definition.spec import Spec
from ..definition.weights import weight_shapes
from ..execution.backends import base_dtype
from ..execution.bench.timings import Roof


@dataclass(frozen=True, order=True)
class Product:
    """`count` products of an [m, k] by a [k, n] matrix."""

    m: int
    k: int
    n: int
    count: int = 1

    @property
    def flops(self) -> int:
        """Floating-point operations: a multiplication and an addition per term."""
        return 2 * self.m * self.k * self.n * self.count


@dataclass(frozen=True)
class _Layer:
    """One layer forward, [rows, fan_in] by [fan_in, fan_out]; where it reads the data, its input needs no gradient."""

    rows: int
    fan_in: int
    fan_out: int
    reads_data: bool = False


def products(spec: Spec, stage: str, batch: int, *, samples: int = 1) -> list[Product]:
    """The matrix products of one call, equal shapes counted together.

    Forward, every layer and every head is one product; a convolution counts at its im2col shape. A training step adds
    the gradient of every layer's weight (`in × rows × out`) and of every layer's input (`rows × out × in`), save of
    those layers that read the data.

    Args:
        spec: the model.
        stage: `encoder`, `decoder`, `elbo`, `training_step`, or `epoch`, of which it is one step.
        batch: images per call.
        samples: draws of the noise per image; the decoder runs once for each.
    """
    layers: list[_Layer] = []
    if stage != "decoder":
        layers += _encoder(spec, batch)
    if stage != "encoder":
        layers += _decoder(spec, batch * samples)
    counts = Counter((layer.rows, layer.fan_in, layer.fan_out) for layer in layers)
    if stage in ("training_step", "epoch"):
        counts.update((layer.fan_in, layer.rows, layer.fan_out) for layer in layers)
        counts.update((layer.rows, layer.fan_out, layer.fan_in) for layer in layers if not layer.reads_data)
    return [Product(*shape, count) for shape, count in counts.items()]


def weight_bytes(spec: Spec, stage: str, dtype: str) -> int:
    """Bytes of the weights that a stage reads."""
    nets = {"encoder": ("encoder.",), "decoder": ("decoder.",)}.get(stage, ("encoder.", "prior.", "decoder."))
    size = 2 if dtype == "bfloat16" else np.dtype(base_dtype(dtype)).itemsize
    return size * sum(prod(shape) for name, shape in weight_shapes(spec).items() if name.startswith(nets))


def _encoder(spec: Spec, batch: int) -> list[_Layer]:
    layers: list[_Layer] = []
    width = spec.data_dim
    if spec.network == "conv":
        assert spec.image_shape and spec.channels
        channels, height, side = spec.image_shape
        for out in spec.channels:
            height, side = height // 2, side // 2
            layers.append(_Layer(batch * height * side, channels * 9, out, reads_data=not layers))
            channels = out
        width = prod(spec.bottom_shape)
    for hidden in spec.hidden:
        layers.append(_Layer(batch, width, hidden, reads_data=not layers))
        width = hidden
    return layers + [_Layer(batch, width, spec.latent_dim)] * 2  # the mean and the scale of q(z|x)


def _decoder(spec: Spec, rows: int) -> list[_Layer]:
    layers: list[_Layer] = []
    width = spec.latent_dim
    if spec.network == "mlp":
        for hidden in reversed(spec.hidden):
            layers.append(_Layer(rows, width, hidden))
            width = hidden
        return layers + [_Layer(rows, width, spec.data_dim)] * len(spec.heads)
    assert spec.image_shape and spec.channels
    channels, height, side = spec.bottom_shape
    layers.append(_Layer(rows, width, channels * height * side))
    for out in reversed(spec.channels):
        # Each pixel is stamped onto a 3×3 patch of the output, which has twice the sides.
        layers.append(_Layer(rows * height * side, channels, out * 9))
        channels, height, side = out, 2 * height, 2 * side
    return [*layers, _Layer(rows * height * side, channels * 9, spec.image_shape[0])]


def roofs(spec: Spec, stage: str, batch: int, dtype: str) -> list[Roof]:
    """The rates that a stage is held against: its matrix products, or at batch 1 the reading of its weights."""
    if batch == 1:
        return [Roof("read", (weight_bytes(spec, stage, dtype),), dtype)]
    return [Roof("product", (p.m, p.k, p.n), dtype) for p in products(spec, stage, batch)]
