"""The networks, in plain loops over scalars: layers, convolutions, and layers of latents."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, pairwise, product
from typing import Any

import numpy as np
from scalar import Number, relu, sigmoid, softplus, tanh, total

Weights = dict[str, np.ndarray]  # of Numbers


def affine(a: list[Number], w: Weights, name: str) -> list[Number]:
    weight, bias = w[f"{name}.weight"], w[f"{name}.bias"]
    return [total([bias[o], *(weight[o, i] * v for i, v in enumerate(a))]) for o in range(len(bias))]


def activate(spec: dict[str, Any], a: Number) -> Number:
    return {"tanh": tanh, "relu": relu, "softplus": softplus}[spec["activation"]](a)


def layers(spec: dict[str, Any], a: list[Number], w: Weights, name: str) -> list[Number]:
    """The hidden layers of one net."""
    for i in range(len(spec["hidden"])):
        linear = affine(a, w, f"{name}.hidden.{i}")
        if spec["activation"] == "gated":
            gates = affine(a, w, f"{name}.hidden.{i}.gate")
            a = [h * sigmoid(g) for h, g in zip(linear, gates, strict=True)]
        else:
            a = [activate(spec, h) for h in linear]
    return a


def features(spec: dict[str, Any], x: list[Number], w: Weights) -> list[Number]:
    """One example's last hidden layer of the encoder."""
    if spec["network"] == "conv":
        image = np.array(x, dtype=object).reshape(spec["image_shape"])
        for i in range(len(spec["channels"])):
            image = convolve(image, w, f"encoder.conv.{i}", stride=2, before=0)
            image = np.vectorize(lambda a: activate(spec, a), otypes=[object])(image)
        x = list(image.ravel())
    return layers(spec, x, w, "encoder")


def split(latents: list[Number], sizes: list[int]) -> list[list[Number]]:
    """The latent axis as its layers, the one next to the data first."""
    return [latents[start:end] for start, end in pairwise(accumulate(sizes, initial=0))]


def deepest_first(spec: dict[str, Any], noises: list[Number], w: Weights) -> list[Number]:
    """h_L = G_L ξ_L, then h_l = T_l(h_{l+1}) + G_l ξ_l down to h_1 (Rezende, Mohamed and Wierstra, 2014, section 2)."""
    parts = split(noises, spec["latents"])
    h: list[Number] = []
    for level in range(len(parts) - 1, -1, -1):
        factor = w[f"decoder.latent.{level}.weight"]
        jump = [total([factor[i, j] * part for j, part in enumerate(parts[level])]) for i in range(len(factor))]
        if h:
            net = f"decoder.transition.{level}"
            moved = affine(layers(spec, h, w, net), w, f"{net}.output")
            jump = [mean + own for mean, own in zip(moved, jump, strict=True)]
        h = jump
    return h


def heads(spec: dict[str, Any]) -> list[str]:
    return {"bernoulli": ["logits"], "gaussian": ["mean", "log_variance"], "gaussian-fixed": ["mean"]}[
        spec["likelihood"]
    ]


def decode(spec: dict[str, Any], z: list[Number], w: Weights) -> list[list[Number]]:
    """One latent's decoder outputs, in the order of `heads`."""
    if "latents" in spec:
        z = deepest_first(spec, z, w)
    if "chain" in spec:
        z = split(z, spec["chain"])[0]
    hidden = layers(spec, z, w, "decoder")
    if spec["network"] == "mlp":
        return [affine(hidden, w, f"decoder.{head}") for head in heads(spec)]
    channels, (_, rows, columns) = spec["channels"], spec["image_shape"]
    halvings = 2 ** len(channels)
    image = np.array(hidden, dtype=object).reshape(channels[-1], rows // halvings, columns // halvings)
    for i in range(len(channels)):
        image = convolve_transposed(image, w, f"decoder.conv.{i}")
        image = np.vectorize(lambda a: activate(spec, a), otypes=[object])(image)
    return [list(convolve(image, w, "decoder.logits", stride=1, before=1).ravel())]


Taps = Iterator[tuple[tuple[int, int], tuple[int, int], tuple[int, int]]]


def taps(rows: int, columns: int, stride: int, before: int) -> Taps:
    """(output pixel, image pixel, kernel entry) of a 3×3 convolution of an image of this size."""
    for i, j, u, v in product(range(rows // stride), range(columns // stride), range(3), range(3)):
        row, column = stride * i + u - before, stride * j + v - before
        if 0 <= row < rows and 0 <= column < columns:
            yield (i, j), (row, column), (u, v)


def convolve(image: np.ndarray, w: Weights, name: str, stride: int, before: int) -> np.ndarray:
    """[channel, height, width] of Numbers → the output image."""
    weight, bias = w[f"{name}.weight"], w[f"{name}.bias"]
    _, rows, columns = image.shape
    result = np.empty((len(bias), rows // stride, columns // stride), dtype=object)
    for o in range(len(bias)):
        parts: dict[tuple[int, int], list[Number]] = {}
        for (place, pixel, entry), c in product(taps(rows, columns, stride, before), range(len(image))):
            parts.setdefault(place, [bias[o]]).append(weight[(o, c, *entry)] * image[(c, *pixel)])
        for place, terms in parts.items():
            result[(o, *place)] = total(terms)
    return result


def convolve_transposed(image: np.ndarray, w: Weights, name: str) -> np.ndarray:
    """The adjoint of the stride-2 convolution: what was read from a pixel is now written to it; then the bias."""
    weight, bias = w[f"{name}.weight"], w[f"{name}.bias"]
    _, rows, columns = image.shape
    result = np.empty((len(bias), 2 * rows, 2 * columns), dtype=object)
    for o in range(len(bias)):
        parts = {place: [bias[o]] for place in product(range(2 * rows), range(2 * columns))}
        for (place, pixel, entry), c in product(taps(2 * rows, 2 * columns, 2, 0), range(len(image))):
            parts[pixel].append(weight[(c, o, *entry)] * image[(c, *place)])
        for pixel, terms in parts.items():
            result[(o, *pixel)] = total(terms)
    return result
