"""The definitions in 80-digit arithmetic: plain loops over scalars, each of which knows what it was made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from mpmath import mp, mpf

mp.dps = 80


@dataclass(eq=False)
class Number:
    """A scalar, and the derivative by each of the scalars it was made of."""

    value: mpf
    made_of: Sequence[tuple[Number, mpf]] = ()
    adjoint: mpf = field(default_factory=lambda: mpf(0))

    def __add__(self, other: Number | int) -> Number:
        return total([self, lift(other)])

    def __sub__(self, other: Number | int) -> Number:
        other = lift(other)
        return Number(self.value - other.value, [(self, mpf(1)), (other, mpf(-1))])

    def __mul__(self, other: Number | mpf) -> Number:
        other = lift(other)
        return Number(self.value * other.value, [(self, other.value), (other, self.value)])

    def __truediv__(self, count: int) -> Number:
        return Number(self.value / count, [(self, mpf(1) / count)])


def lift(value: Number | mpf | float) -> Number:
    return value if isinstance(value, Number) else Number(mpf(value))


def total(parts: Sequence[Number]) -> Number:
    return Number(mp.fsum(part.value for part in parts), [(part, mpf(1)) for part in parts])


def exp(a: Number) -> Number:
    value = mp.exp(a.value)
    return Number(value, [(a, value)])


def log_sigmoid(a: Number) -> Number:
    """log(1 / (1 + e^−a))."""
    return Number(-mp.log(1 + mp.exp(-a.value)), [(a, 1 / (1 + mp.exp(a.value)))])


def activate(spec: dict[str, Any], a: Number) -> Number:
    if spec["activation"] == "tanh":
        return Number(mp.tanh(a.value), [(a, 1 / mp.cosh(a.value) ** 2)])
    if spec["activation"] == "relu":
        return Number(max(a.value, mpf(0)), [(a, mpf(a.value > 0))])
    return Number(mp.log(1 + mp.exp(a.value)), [(a, 1 / (1 + mp.exp(-a.value)))])


def backward(output: Number) -> None:
    """Add the derivative of `output` to the adjoint of everything that it was made of."""
    order: list[Number] = []
    seen: set[int] = set()
    stack: list[tuple[Number, Iterator[tuple[Number, mpf]]]] = [(output, iter(output.made_of))]
    while stack:
        number, parts = stack[-1]
        for part, _ in parts:
            if id(part) not in seen:
                seen.add(id(part))
                stack.append((part, iter(part.made_of)))
                break
        else:
            order.append(number)
            stack.pop()
    output.adjoint = mpf(1)
    for number in reversed(order):
        for part, slope in number.made_of:
            part.adjoint += number.adjoint * slope


Weights = dict[str, np.ndarray]  # of Numbers


def affine(a: list[Number], w: Weights, name: str) -> list[Number]:
    weight, bias = w[f"{name}.weight"], w[f"{name}.bias"]
    return [total([bias[o], *(weight[o, i] * v for i, v in enumerate(a))]) for o in range(len(bias))]


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


def heads(spec: dict[str, Any]) -> list[str]:
    return {"bernoulli": ["logits"], "gaussian": ["mean", "log_variance"], "gaussian-fixed": ["mean"]}[
        spec["likelihood"]
    ]


def encode(spec: dict[str, Any], x: list[Number], w: Weights) -> tuple[list[Number], list[Number]]:
    """One example's posterior mean and log-variance."""
    hidden = x
    if spec["network"] == "conv":
        image = np.array(x, dtype=object).reshape(spec["image_shape"])
        for i in range(len(spec["channels"])):
            image = convolve(image, w, f"encoder.conv.{i}", stride=2, before=0)
            image = np.vectorize(lambda a: activate(spec, a), otypes=[object])(image)
        hidden = list(image.ravel())
    for i in range(len(spec["hidden"])):
        hidden = [activate(spec, a) for a in affine(hidden, w, f"encoder.hidden.{i}")]
    return affine(hidden, w, "encoder.mean"), affine(hidden, w, "encoder.log_variance")


def decode(spec: dict[str, Any], z: list[Number], w: Weights) -> list[list[Number]]:
    """One latent's decoder outputs, in the order of `heads`."""
    hidden = z
    for i in range(len(spec["hidden"])):
        hidden = [activate(spec, a) for a in affine(hidden, w, f"decoder.hidden.{i}")]
    if spec["network"] == "mlp":
        return [affine(hidden, w, f"decoder.{head}") for head in heads(spec)]
    channels, (_, rows, columns) = spec["channels"], spec["image_shape"]
    halvings = 2 ** len(channels)
    image = np.array(hidden, dtype=object).reshape(channels[-1], rows // halvings, columns // halvings)
    for i in range(len(channels)):
        image = convolve_transposed(image, w, f"decoder.conv.{i}")
        image = np.vectorize(lambda a: activate(spec, a), otypes=[object])(image)
    return [list(convolve(image, w, "decoder.logits", stride=1, before=1).ravel())]


def log_normal(value: Number, mean: Number, log_variance: Number) -> Number:
    difference = value - mean
    quadratic = difference * difference * exp(log_variance * mpf(-1))
    return (lift(mp.log(2 * mp.pi)) + log_variance + quadratic) * mpf("-0.5")


def log_likelihood(spec: dict[str, Any], x: list[Number], outputs: list[list[Number]]) -> Number:
    if spec["likelihood"] == "bernoulli":
        return total(
            [
                part
                for v, a in zip(x, outputs[0], strict=True)
                for part in (v * log_sigmoid(a), (lift(1) - v) * log_sigmoid(a * mpf(-1)))
            ]
        )
    if spec["likelihood"] == "gaussian-fixed":
        outputs = [outputs[0], [lift(mp.log(mpf(spec["variance"])))] * len(x)]
    return total([log_normal(v, m, s) for v, m, s in zip(x, *outputs, strict=True)])


def divergence(mean: Number, log_variance: Number, prior_mean: Number, prior_log_variance: Number) -> Number:
    """KL(N(mean, e^log_variance) ‖ N(prior_mean, e^prior_log_variance))."""
    difference = mean - prior_mean
    moments = exp(log_variance) + difference * difference
    ratio = moments * exp(prior_log_variance * mpf(-1))
    return (prior_log_variance - log_variance + ratio - 1) * mpf("0.5")


def terms(spec: dict[str, Any], x: list[Number], noise: list[list[Number]], w: Weights) -> dict[str, Any]:
    """All terms of one example; noise is [sample][latent]. Posterior parameters come as lists."""
    mean, log_variance = encode(spec, x, w)
    zero = [lift(0)] * len(mean)
    prior_mean, prior_log_variance = (list(w.get(f"prior.{k}", zero)) for k in ("mean", "log_variance"))
    likelihoods, log_ratios = [], []
    for sample in noise:
        deviation = [exp(s * mpf("0.5")) for s in log_variance]
        z = [m + d * e for m, d, e in zip(mean, deviation, sample, strict=True)]
        likelihood = log_likelihood(spec, x, decode(spec, z, w))
        prior = total([log_normal(*each) for each in zip(z, prior_mean, prior_log_variance, strict=True)])
        posterior = total([log_normal(*each) for each in zip(z, mean, log_variance, strict=True)])
        likelihoods.append(likelihood)
        log_ratios.append(likelihood + prior - posterior)
    kl = total([divergence(*each) for each in zip(mean, log_variance, prior_mean, prior_log_variance, strict=True)])
    average = total(likelihoods) / len(noise)
    return {
        "log_likelihood": average,
        "kl": kl,
        "elbo": average - kl,
        "elbo_monte_carlo": total(log_ratios) / len(noise),
        "iwae": lift(mp.log(mp.fsum(mp.exp(ratio.value) for ratio in log_ratios) / len(noise))),
        "posterior_mean": mean,
        "posterior_log_variance": log_variance,
    }
