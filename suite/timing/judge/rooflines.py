"""The matrix products that a stage must compute, and the bytes of the weights that it must read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from ...backends.table import base_dtype
from ...reference.spec import Spec
from ...reference.weights import Slot, decoder_slots, slots, weight_shapes
from ..timings import Roofline

COUNTED = ("encoder", "decoder", "elbo", "training_step")


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
    """One layer forward, [rows, fan_in] by [fan_in, fan_out]; if it reads the data, its input needs no gradient."""

    rows: int
    fan_in: int
    fan_out: int
    reads_data: bool = False


def products(spec: Spec, stage: str, batch: int) -> list[Product]:
    """The matrix products of one call, equal shapes counted together.

    Forward, every layer and every head is one product; a convolution counts at its im2col shape, with the zeros of its
    padding, as in the frameworks' counters. A training step adds the gradient of every layer's weight
    (`in × rows × out`) and of every layer's input (`rows × out × in`), except where the layer reads the data. A gated
    layer is two products. Elementwise operations (activations, densities, Adam) are not counted.

    Args:
        spec: the model.
        stage: one of `COUNTED`.
        batch: images per call.

    Raises:
        ValueError: another stage, or a family of models that is not timed: the posterior is neither diagonal nor
            isotropic, or the model has a chain, components of a prior, or decoder weights with a posterior.
    """
    if stage not in COUNTED:
        raise ValueError(f"stage '{stage}': expected one of {', '.join(COUNTED)}")
    special = spec.chain or spec.components or spec.decoder_weights != "point"
    if special or spec.posterior not in ("diagonal", "isotropic"):
        raise ValueError(f"expected a family of models whose operations are counted; found {spec}")
    layers: list[_Layer] = []
    if stage != "decoder":
        layers += _encoder(spec, batch)
    if stage != "encoder":
        layers += _decoder(spec, batch)
    counts = Counter((layer.rows, layer.fan_in, layer.fan_out) for layer in layers)
    if stage == "training_step":
        counts.update((layer.fan_in, layer.rows, layer.fan_out) for layer in layers)
        counts.update((layer.rows, layer.fan_out, layer.fan_in) for layer in layers if not layer.reads_data)
    return [Product(*shape, count) for shape, count in counts.items()]


def flops(spec: Spec, stage: str, batch: int) -> int:
    """Floating-point operations of the matrix products of one call; arguments and errors as `products`."""
    return sum(product.flops for product in products(spec, stage, batch))


def weight_bytes(spec: Spec, stage: str, dtype: str) -> int:
    """Bytes of the weights that a stage reads."""
    nets = {"encoder": ("encoder.",), "decoder": ("decoder.",)}.get(stage, ("encoder.", "prior.", "decoder."))
    size = 2 if dtype == "bfloat16" else np.dtype(base_dtype(dtype)).itemsize
    return size * sum(prod(shape) for name, shape in weight_shapes(spec).items() if name.startswith(nets))


def _encoder(spec: Spec, batch: int) -> Iterator[_Layer]:
    height, side = spec.image_shape[1:] if spec.image_shape else (1, 1)
    first = "encoder.conv.0." if spec.network == "conv" else "encoder.hidden.0."
    for slot in _weights(slots(spec), "encoder."):
        fan_out, fan_in = slot.shape[:2]
        reads_data = slot.name.startswith(first)
        if len(slot.shape) == 4:
            height, side = height // 2, side // 2
            yield _Layer(batch * height * side, fan_in * 9, fan_out, reads_data)
        else:
            yield _Layer(batch, fan_in, fan_out, reads_data)


def _decoder(spec: Spec, rows: int) -> Iterator[_Layer]:
    height, side = spec.bottom_shape[1:] if spec.network == "conv" else (1, 1)
    for slot in _weights(decoder_slots(spec), "decoder."):
        if slot.name.startswith("decoder.conv."):
            # Each pixel is added to a 3×3 patch of the output, which has twice the height and width.
            fan_in, fan_out = slot.shape[:2]
            yield _Layer(rows * height * side, fan_in, fan_out * 9)
            height, side = 2 * height, 2 * side
        elif len(slot.shape) == 4:
            fan_out, fan_in = slot.shape[:2]
            yield _Layer(rows * height * side, fan_in * 9, fan_out)
        else:
            fan_out, fan_in = slot.shape
            yield _Layer(rows, fan_in, fan_out)


def _weights(every: Iterable[Slot], net: str) -> Iterator[Slot]:
    """The matrices and kernels of a net, in the order of data flow."""
    return (slot for slot in every if slot.name.startswith(net) and slot.name.endswith(".weight"))


def rooflines(spec: Spec, stage: str, batch: int, dtype: str) -> dict[Roofline, int]:
    """The rooflines of a stage, and how often a call needs each.

    They are its matrix products or, for a multilayer perceptron at batch 1, the reading of its weights. A convolution
    reads few weights, and its product has many rows even for one image.
    """
    if batch == 1 and spec.network == "mlp":
        return {Roofline("read", (weight_bytes(spec, stage, dtype),), dtype): 1}
    return {Roofline("product", (p.m, p.k, p.n), dtype): p.count for p in products(spec, stage, batch)}
