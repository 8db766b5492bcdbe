"""The oracle's encoder and decoder, on a tape: hidden layers of any depth, and convolutions by copying patches."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from math import prod

import numpy as np

from .arithmetic import Selection
from .node import Node
from .spec import Spec

Weights = Mapping[str, Node]

ACTIVATIONS = {"tanh": Node.tanh, "relu": Node.relu, "softplus": Node.softplus}


def encode(spec: Spec, x: Node, w: Weights) -> dict[str, Node]:
    """x [batch, data] → the heads of q(z|x) by name: `mean`, `log_variance` and what the covariance needs beside it."""
    if spec.posterior == "free":
        return {head: w[f"posterior.{head}"] for head in ("mean", "log_variance")}
    hidden = _encode_image(spec, x, w) if spec.network == "conv" else x
    hidden = _layers(spec, hidden, w, "encoder.hidden")
    heads = ("mean", "log_variance", *{"full": ("cholesky",), "rank-one": ("rank_one",)}.get(spec.posterior, ()))
    return {head: affine(hidden, w, f"encoder.{head}") for head in heads}


def decode(spec: Spec, latent: Node, w: Weights) -> dict[str, Node]:
    """latent [..., batch, latent] → the heads by name, each [..., batch, data]."""
    hidden = latent
    if spec.latents:
        hidden = _deep_latent(spec, latent, w)
    if spec.chain:
        hidden = layer_of(latent, spec.chain, 0)
    hidden = _layers(spec, hidden, w, "decoder.hidden")
    if spec.network == "conv":
        return {"logits": _decode_image(spec, hidden, w)}
    return {head: affine(hidden, w, f"decoder.{head}") for head in spec.heads}


def conditional(spec: Spec, neighbour: Node, w: Weights, name: str) -> tuple[Node, Node]:
    """One layer of a chain → mean and log-variance of its neighbour."""
    hidden = _layers(spec, neighbour, w, f"{name}.hidden")
    return affine(hidden, w, f"{name}.mean"), affine(hidden, w, f"{name}.log_variance")


def layer_of(latents: Node, sizes: tuple[int, ...], i: int) -> Node:
    """The part of the latent axis that is layer i."""
    bounds = list(accumulate(sizes, initial=0))
    return latents.copy(Selection(np.arange(bounds[i], bounds[i + 1]), bounds[-1]))


def _deep_latent(spec: Spec, noises: Node, w: Weights) -> Node:
    """The noises of all layers [..., latent] → h of the layer next to the data.

    h_L = G_L ξ_L, h_l = T_l(h_{l+1}) + G_l ξ_l: D. J. Rezende, S. Mohamed and D. Wierstra, *Stochastic Backpropagation
    and Approximate Inference in Deep Generative Models*, 2014, section 2.
    """
    assert spec.latents
    above: Node | None = None
    for i in reversed(range(len(spec.latents))):
        jump = layer_of(noises, spec.latents, i).linear(w[f"decoder.latent.{i}.weight"])
        if above is not None:
            name = f"decoder.transition.{i}"
            jump = affine(_layers(spec, above, w, f"{name}.hidden"), w, f"{name}.output") + jump
        above = jump
    assert above is not None
    return above


def _layers(spec: Spec, hidden: Node, w: Weights, name: str) -> Node:
    """All hidden layers of a net, each followed by its activation."""
    for i in range(len(spec.hidden)):
        a = affine(hidden, w, f"{name}.{i}")
        if spec.activation == "gated":
            hidden = a * affine(hidden, w, f"{name}.{i}.gate").sigmoid()
        else:
            hidden = _activate(spec, a)
    return hidden


def widest(spec: Spec) -> int:
    """Numbers per example and sample in the largest tensor of a forward pass."""
    if spec.network == "mlp":
        latents = spec.latent_dim * (spec.components or 1)
        if spec.posterior in ("full", "rank-one"):
            latents = spec.latent_dim**3 if spec.posterior == "full" else spec.latent_dim**2
        return max(spec.data_dim, latents, *spec.hidden)
    assert spec.image_shape and spec.channels
    channel, height, width = spec.image_shape
    return 9 * height * width * max(channel, *spec.channels)  # no patches are more than these


def affine(a: Node, w: Weights, name: str) -> Node:
    return a.linear(w[f"{name}.weight"]) + w[f"{name}.bias"]


def _activate(spec: Spec, a: Node) -> Node:
    return ACTIVATIONS[spec.activation](a)


def patches(channels: int, height: int, width: int, *, stride: int, before: int) -> Selection:
    """The 3×3 patches of an image flattened as channel, height, width: places (patch, channel·3·3).

    Args:
        channels, height, width: of the image.
        stride: between patches; the image has (height/stride)·(width/stride) of them.
        before: zeros before the first row and column; as many as needed follow the last.
    """
    image = np.full((channels, height + before + 1, width + before + 1), -1, dtype=np.intp)
    places = np.arange(channels * height * width).reshape(channels, height, width)
    image[:, before : before + height, before : before + width] = places
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3), axis=(1, 2))
    chosen = windows[:, :height:stride, :width:stride].transpose(1, 2, 0, 3, 4)
    return Selection(chosen.reshape(-1, channels * 9), channels * height * width)


def _encode_image(spec: Spec, x: Node, w: Weights) -> Node:
    """x [batch, data] → features [batch, (channel height width)] after the strided convolutions."""
    assert spec.image_shape and spec.channels
    image, shape = x, spec.image_shape
    for i, channel in enumerate(spec.channels):
        image = _activate(spec, _convolve(image, shape, w, f"encoder.conv.{i}", stride=2, before=0))
        shape = (channel, shape[1] // 2, shape[2] // 2)
    return image


def _decode_image(spec: Spec, hidden: Node, w: Weights) -> Node:
    """[sample, batch, (channel height width)] at the bottom → logits [sample, batch, data]."""
    assert spec.channels
    samples, batch, _ = hidden.shape
    shape = spec.bottom_shape
    image = hidden.reshape(samples * batch, prod(shape))
    for i, channel in enumerate(reversed(spec.channels)):
        image = _activate(spec, _convolve_transposed(image, shape, channel, w, f"decoder.conv.{i}"))
        shape = (channel, shape[1] * 2, shape[2] * 2)
    logits = _convolve(image, shape, w, "decoder.logits", stride=1, before=1)
    return logits.reshape(samples, batch, spec.data_dim)


def _convolve(image: Node, shape: tuple[int, int, int], w: Weights, name: str, *, stride: int, before: int) -> Node:
    """[image, (channel height width)] → the same of the output."""
    weight = w[f"{name}.weight"]
    out, images = weight.shape[0], image.shape[0]
    taken = image.copy(patches(*shape, stride=stride, before=before))
    pixels = taken.linear(weight.reshape(out, shape[0] * 9)) + w[f"{name}.bias"]  # [image, place, out]
    return pixels.transpose(0, 2, 1).reshape(images, -1)


def _convolve_transposed(image: Node, shape: tuple[int, int, int], out: int, w: Weights, name: str) -> Node:
    """The adjoint of the 'same' convolution of stride 2, then the bias: sides double."""
    images = image.shape[0]
    channels, height, width = shape
    pixels = image.reshape(images, channels, height * width).transpose(0, 2, 1)
    matrix = w[f"{name}.weight"].reshape(channels, out * 9).transpose(1, 0)
    stamps = pixels.linear(matrix)  # [image, place, (out 3 3)]
    stamped = stamps.add_up(patches(out, 2 * height, 2 * width, stride=2, before=0))
    planes = stamped.reshape(images, out, 4 * height * width) + w[f"{name}.bias"].reshape(out, 1)
    return planes.reshape(images, -1)
