"""Make the exact cases beside this file: `python tests/exact/generate.py` writes them again, byte for byte.

Everything is computed in 80-digit arithmetic, straight from the definitions, with plain loops over scalars; nothing of
the suite is imported. Gradients come from a scalar reverse pass in the same arithmetic, and each weight tensor's is
checked against central differences along a random direction before anything is written.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from mpmath import mp, mpf
from safetensors.numpy import save_file
from scalar_vae import Number, backward, heads, lift, terms

PRINTED_DIGITS = 30


@dataclass(frozen=True)
class Case:
    """What is drawn: the specification, sizes, and how far weights reach."""

    spec: dict[str, Any]
    batch: int
    samples: int
    grey: bool = False
    reach: float = 0.8
    log_variance_bias: float = 0.0


def mlp(likelihood: str, activation: str, data: int, hidden: list[int], latent: int, **more: Any) -> dict[str, Any]:
    return {
        "network": "mlp", "likelihood": likelihood, "prior": "standard", "activation": activation, "hidden": hidden,
        "data_dim": data, "latent_dim": latent, **more,
    }  # fmt: skip


def conv(activation: str, image: list[int], channels: list[int], hidden: int, latent: int) -> dict[str, Any]:
    spec = mlp("bernoulli", activation, prod(image), [hidden], latent, image_shape=image, channels=channels)
    return {**spec, "network": "conv"}


LEARNED = {"prior": "learned"}
CASES = {
    "binary-tanh": Case(mlp("bernoulli", "tanh", 9, [6], 4), batch=3, samples=2),
    "binary-relu-many-samples": Case(mlp("bernoulli", "relu", 7, [8], 2), batch=2, samples=9),
    "grey-softplus": Case(mlp("bernoulli", "softplus", 8, [5], 3), batch=4, samples=1, grey=True),
    "gaussian-relu": Case(mlp("gaussian", "relu", 5, [9], 4), batch=3, samples=2),
    "gaussian-fixed-softplus": Case(mlp("gaussian-fixed", "softplus", 6, [4], 5, variance=0.3), batch=3, samples=2),
    "learned-prior-deep": Case(mlp("gaussian", "tanh", 4, [6, 3], 2, **LEARNED), batch=3, samples=3),
    "square-deep": Case(mlp("bernoulli", "tanh", 5, [5] * 5, 5), batch=2, samples=1, grey=True),
    "saturated": Case(mlp("bernoulli", "relu", 6, [7], 3), batch=3, samples=2, grey=True, reach=4.0),
    "collapsed-wide": Case(mlp("bernoulli", "tanh", 6, [5], 3), batch=2, samples=2, log_variance_bias=-13.0),
    "singletons-learned": Case(mlp("gaussian", "softplus", 1, [1], 1, **LEARNED), batch=1, samples=1),
    "conv-oblong": Case(conv("relu", [2, 4, 8], [3, 2], 5, 2), batch=2, samples=2, grey=True, reach=0.5),
    "conv-one-layer": Case(conv("tanh", [1, 4, 6], [2], 3, 2), batch=2, samples=1, reach=0.6),
}


def shapes(spec: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Canonical weight names and shapes."""
    found: dict[str, tuple[int, ...]] = {}

    def layer(name: str, *shape: int, bias: int) -> None:
        found[f"{name}.weight"], found[f"{name}.bias"] = shape, (bias,)

    hidden, latent, data = spec["hidden"], spec["latent_dim"], spec["data_dim"]
    channels = spec.get("channels", [])
    first = data
    if channels:
        image = spec["image_shape"]
        for i, (a, b) in enumerate(pairwise([image[0], *channels])):
            layer(f"encoder.conv.{i}", b, a, 3, 3, bias=b)
        first = channels[-1] * (image[1] >> len(channels)) * (image[2] >> len(channels))
    for i, (a, b) in enumerate(pairwise([first, *hidden])):
        layer(f"encoder.hidden.{i}", b, a, bias=b)
    for head in ("mean", "log_variance"):
        layer(f"encoder.{head}", latent, hidden[-1], bias=latent)
    if spec["prior"] == "learned":
        found["prior.mean"] = found["prior.log_variance"] = (latent,)
    if channels:
        layer("decoder.hidden.0", first, latent, bias=first)
        for i, (a, b) in enumerate(pairwise([channels[-1], *channels[::-1]])):
            layer(f"decoder.conv.{i}", a, b, 3, 3, bias=b)
        layer("decoder.logits", image[0], channels[0], 3, 3, bias=image[0])
        return found
    for i, (a, b) in enumerate(pairwise([latent, *hidden[::-1]])):
        layer(f"decoder.hidden.{i}", b, a, bias=b)
    for head in heads(spec):
        layer(f"decoder.{head}", data, hidden[0], bias=data)
    return found


def draw(name: str, case: Case) -> dict[str, np.ndarray]:
    """x, noise and weights. Only sums and products of exact uniforms: the same bits with every Python and libm."""
    random = Random(f"elbostone exact case {name}")
    spec = case.spec

    def uniform(*shape: int, reach: float) -> np.ndarray:
        return np.array([(2 * random.random() - 1) * reach for _ in range(prod(shape))]).reshape(shape)

    x = uniform(case.batch, spec["data_dim"], reach=2.0)
    if spec["likelihood"] == "bernoulli":
        x = x / 4 + 0.5 if case.grey else (x > 0).astype(np.float64)
    if case.grey:
        x[0, :2] = 0.0, 1.0
    noise = sum(uniform(case.samples, case.batch, spec["latent_dim"], reach=1.0) for _ in range(3))
    weights = {weight: uniform(*shape, reach=case.reach) for weight, shape in shapes(spec).items()}
    weights["encoder.log_variance.bias"] += case.log_variance_bias
    if case.log_variance_bias:
        weights["encoder.log_variance.weight"] /= 16
    if case.reach > 1:  # large logits, not an overflowing posterior
        weights["encoder.log_variance.weight"] /= 64
        weights["encoder.mean.weight"] /= 8
    return {"x": x, "noise": np.asarray(noise), **weights}


def numbers(tensor: np.ndarray) -> np.ndarray:
    """Float64 values as exact scalars."""
    return np.vectorize(lambda value: lift(float(value)), otypes=[object])(tensor)


def examples(case: Case, tensors: Mapping[str, np.ndarray], weights: dict[str, np.ndarray]) -> Iterator[dict[str, Any]]:
    """Terms of each example of the batch."""
    for b in range(case.batch):
        x, noise = numbers(tensors["x"][b]), numbers(tensors["noise"][:, b])
        yield terms(case.spec, list(x), [list(sample) for sample in noise], weights)


def solve(case: Case, tensors: Mapping[str, np.ndarray]) -> tuple[dict[str, list[Any]], dict[str, np.ndarray]]:
    """Expected terms as decimal strings, and the gradient of the summed ELBO by canonical weight, as exact scalars."""
    weights = {name: numbers(tensors[name]) for name in shapes(case.spec)}
    expected: dict[str, list[Any]] = {}
    for example in examples(case, tensors, weights):
        backward(example["elbo"])
        for term, value in example.items():
            expected.setdefault(term, []).append(decimal(value))
    gradient = np.vectorize(lambda number: number.adjoint, otypes=[object])
    return expected, {name: gradient(weight) for name, weight in weights.items()}


def decimal(value: Number | list[Number]) -> str | list[str]:
    if isinstance(value, list):
        return [mp.nstr(each.value, PRINTED_DIGITS) for each in value]
    return mp.nstr(value.value, PRINTED_DIGITS)


def gradient_error(
    name: str, case: Case, tensors: Mapping[str, np.ndarray], gradients: Mapping[str, np.ndarray]
) -> mpf:
    """The worst disagreement with central differences, relative to the sum of the magnitudes along the direction."""
    random, step, worst = Random(f"direction {name}"), mpf(10) ** -25, mpf(0)
    weights = {weight: numbers(tensors[weight]) for weight in shapes(case.spec)}
    for weight, gradient in gradients.items():
        direction = np.array([mpf(2 * random.random() - 1) for _ in range(gradient.size)]).reshape(gradient.shape)
        sides = []
        for side in (step, -step):
            moved = np.vectorize(lambda w, d, s=side: Number(w.value + s * d), otypes=[object])
            changed = {**weights, weight: moved(weights[weight], direction)}
            sides.append(mp.fsum(example["elbo"].value for example in examples(case, tensors, changed)))
        along = (gradient * direction).ravel()
        difference = abs((sides[0] - sides[1]) / (2 * step) - mp.fsum(along))
        size = mp.fsum(abs(part) for part in along)
        worst = max(worst, difference / size if size else difference)
    return worst


def write(name: str, case: Case, folder: Path) -> None:
    """NAME.json, NAME.safetensors and NAME.gradients.safetensors.

    Raises:
        ArithmeticError: a gradient disagrees with its differences.
    """
    tensors = draw(name, case)
    expected, gradients = solve(case, tensors)
    error = gradient_error(name, case, tensors, gradients)
    if error > mpf(10) ** -30:
        raise ArithmeticError(f"{name}: gradient and central differences disagree by {mp.nstr(error, 3)}")
    document = {"spec": case.spec, "expected": expected}
    (folder / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    save_file({key: np.ascontiguousarray(tensor) for key, tensor in tensors.items()}, folder / f"{name}.safetensors")
    rounded = {key: gradient.astype(np.float64) for key, gradient in gradients.items()}
    save_file(rounded, folder / f"{name}.gradients.safetensors")
    print(f"{name}: gradients agree with differences to {mp.nstr(error, 2)}", file=sys.stderr)


if __name__ == "__main__":
    for each, details in CASES.items():
        write(each, details, Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
