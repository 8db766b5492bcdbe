"""The exact cases: the specification of each, the weights it has, and how they and its data are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import prod
from random import Random
from typing import Any

import numpy as np
from scalar_networks import heads


@dataclass(frozen=True)
class Case:
    """What is drawn: the specification, sizes, how far weights reach, and of which bounds there are gradients."""

    spec: dict[str, Any]
    batch: int
    samples: int
    grey: bool = False
    reach: float = 0.8
    log_variance_bias: float = 0.0
    bounds: tuple[str, ...] = ("elbo",)


def mlp(likelihood: str, activation: str, data: int, hidden: list[int], latent: int, **more: Any) -> dict[str, Any]:
    return {
        "network": "mlp", "likelihood": likelihood, "prior": "standard", "activation": activation, "hidden": hidden,
        "data_dim": data, "latent_dim": latent, **more,
    }  # fmt: skip


def conv(activation: str, image: list[int], channels: list[int], hidden: int, latent: int) -> dict[str, Any]:
    spec = mlp("bernoulli", activation, prod(image), [hidden], latent, image_shape=image, channels=channels)
    return {**spec, "network": "conv"}


#: Sizes of the families, pairwise different, and hidden layers of those that have two: as in the probes of claims.
DATA, HIDDEN, LATENT, BATCH, SAMPLES, DEEP = 7, [5], 4, 3, 2, [5, 8]


def family(
    likelihood: str, activation: str, *, hidden: list[int] = HIDDEN, grey: bool = False,
    bounds: tuple[str, ...] = ("elbo",), **more: Any,
) -> Case:  # fmt: skip
    """A case of a family of models, of the sizes that all families share."""
    return Case(mlp(likelihood, activation, DATA, hidden, LATENT, **more), BATCH, SAMPLES, grey, bounds=bounds)


LEARNED = {"prior": "learned"}
RANK_ONE = {"posterior": "rank-one"}
VAMP = {"prior": "vamp", "components": 6}
FREE = {"posterior": "free"}
BOTH = ("elbo", "elbo_monte_carlo")
ALL = (*BOTH, "iwae")
CASES = {
    "binary-tanh": Case(mlp("bernoulli", "tanh", 9, [6], 4), batch=3, samples=2, bounds=ALL),
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
    # What only some sources define, in one size: JAX compiles each operation for each shape.
    "isotropic": family("gaussian-fixed", "tanh", variance=1.0, posterior="isotropic"),
    "full": family("bernoulli", "tanh", posterior="full", bounds=ALL),
    "full-learned": family("gaussian", "softplus", posterior="full", **LEARNED, bounds=BOTH),
    "rank-one": family("bernoulli", "tanh", **RANK_ONE, bounds=BOTH),
    "rank-one-learned": family("gaussian", "relu", **RANK_ONE, **LEARNED),
    "rank-one-layers": family("bernoulli", "tanh", **RANK_ONE, latents=[3, 1]),
    "layers-two": family("bernoulli", "softplus", hidden=DEEP, latents=[2, 2], grey=True),
    "layers-three": family("gaussian", "tanh", latents=[2, 1, 1]),
    "chain-two": family("bernoulli", "tanh", chain=[3, 1], bounds=ALL),
    "chain-three": family("gaussian", "softplus", hidden=DEEP, chain=[1, 2, 1], bounds=ALL),
    "free": family("bernoulli", "tanh", **FREE, data_count=3, bounds=BOTH),
    "vamp": family("bernoulli", "tanh", **VAMP, bounds=ALL),
    "vamp-gated": family("bernoulli", "gated", hidden=DEEP, **VAMP, grey=True, bounds=BOTH),
    "vamp-isotropic": family("bernoulli", "relu", posterior="isotropic", **VAMP),
    "gated-deep": family("bernoulli", "gated", hidden=DEEP, grey=True, bounds=ALL),
    "beta": family("bernoulli", "relu", beta=4.0, bounds=BOTH),
    "beta-below-one-vamp": family("bernoulli", "tanh", beta=0.25, **VAMP, bounds=BOTH),
    "full-vb": family("bernoulli", "tanh", decoder_weights="posterior", data_count=9, bounds=BOTH),
    "global": family("gaussian", "softplus", **FREE, decoder_weights="posterior", data_count=3, bounds=BOTH),
}  # fmt: skip


def shapes(spec: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Canonical weight names and shapes."""
    found: dict[str, tuple[int, ...]] = {}

    def layer(name: str, *shape: int, bias: int) -> None:
        found[f"{name}.weight"], found[f"{name}.bias"] = shape, (bias,)

    def net(name: str, sizes: list[int], outputs: list[str], size: int) -> None:
        for i, (a, b) in enumerate(pairwise(sizes)):
            layer(f"{name}.hidden.{i}", b, a, bias=b)
            if spec["activation"] == "gated":
                layer(f"{name}.hidden.{i}.gate", b, a, bias=b)
        for head in outputs:
            layer(f"{name}.{head}", size, sizes[-1], bias=size)

    hidden, latent, data = spec["hidden"], spec["latent_dim"], spec["data_dim"]
    channels, kind = spec.get("channels", []), spec.get("posterior", "diagonal")
    layers, chain = spec.get("latents", []), spec.get("chain", [])
    first = data
    if channels:
        image = spec["image_shape"]
        for i, (a, b) in enumerate(pairwise([image[0], *channels])):
            layer(f"encoder.conv.{i}", b, a, 3, 3, bias=b)
        first = channels[-1] * (image[1] >> len(channels)) * (image[2] >> len(channels))
    if kind == "free":
        found["posterior.mean"] = found["posterior.log_variance"] = (spec["data_count"], latent)
    else:
        net("encoder", [first, *hidden], ["mean"], next(iter(chain), latent))
        size = 1 if kind == "isotropic" else next(iter(chain), latent)
        layer("encoder.log_variance", size, hidden[-1], bias=size)
        for i, (a, b) in enumerate(pairwise(chain)):
            net(f"encoder.chain.{i}", [a, *hidden], ["mean", "log_variance"], b)
        if kind == "full":
            layer("encoder.cholesky", latent**2, hidden[-1], bias=latent**2)
        if kind == "rank-one":
            layer("encoder.rank_one", latent, hidden[-1], bias=latent)
    if spec["prior"] == "learned":
        found["prior.mean"] = found["prior.log_variance"] = (latent,)
    if spec["prior"] == "vamp":
        found["prior.pseudo_inputs"] = (spec["components"], data)
    if channels:
        layer("decoder.hidden.0", first, latent, bias=first)
        for i, (a, b) in enumerate(pairwise([channels[-1], *channels[::-1]])):
            layer(f"decoder.conv.{i}", a, b, 3, 3, bias=b)
        layer("decoder.logits", image[0], channels[0], 3, 3, bias=image[0])
        return found
    before = set(found)
    for i, size in enumerate(layers):
        found[f"decoder.latent.{i}.weight"] = (size, size)
    for i, (b, a) in enumerate(pairwise(layers)):
        net(f"decoder.transition.{i}", [a, *hidden[::-1]], ["output"], b)
    for i, (b, a) in enumerate(pairwise(chain)):
        net(f"decoder.chain.{i}", [a, *hidden[::-1]], ["mean", "log_variance"], b)
    net("decoder", [next(iter([*layers, *chain]), latent), *hidden[::-1]], heads(spec), data)
    if spec.get("decoder_weights") == "posterior":
        points = {name: shape for name, shape in found.items() if name not in before}
        found = {name: shape for name, shape in found.items() if name in before}
        found |= {f"{name}.{part}": shape for name, shape in points.items() for part in ("mean", "log_variance")}
    return found


def drawn_weights(spec: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the decoder weights that have a posterior."""
    if spec.get("decoder_weights") != "posterior":
        return {}
    means = {name: shape for name, shape in shapes(spec).items() if name.startswith("decoder.")}
    return {name.removesuffix(".mean"): shape for name, shape in means.items() if name.endswith(".mean")}


def draw(name: str, case: Case) -> dict[str, np.ndarray]:
    """x, noise and weights. Only sums and products of exact uniforms: the same bits with every Python and libm."""
    random = Random(f"elbostone exact case {name}")
    spec = case.spec

    def uniform(*shape: int, reach: float) -> np.ndarray:
        return np.array([(2 * random.random() - 1) * reach for _ in range(prod(shape))]).reshape(shape)

    def nearly_normal(*shape: int) -> np.ndarray:
        return np.asarray(sum(uniform(*shape, reach=1.0) for _ in range(3)))

    x = uniform(case.batch, spec["data_dim"], reach=2.0)
    if spec["likelihood"] == "bernoulli":
        x = x / 4 + 0.5 if case.grey else (x > 0).astype(np.float64)
    if case.grey:
        x[0, :2] = 0.0, 1.0
    noise = nearly_normal(case.samples, case.batch, spec["latent_dim"])
    weights = {weight: uniform(*shape, reach=case.reach) for weight, shape in shapes(spec).items()}
    if case.log_variance_bias:
        weights["encoder.log_variance.bias"] += case.log_variance_bias
        weights["encoder.log_variance.weight"] /= 16
    if case.reach > 1:  # large logits, not an overflowing posterior
        weights["encoder.log_variance.weight"] /= 64
        weights["encoder.mean.weight"] /= 8
    if spec["prior"] == "vamp":
        weights["prior.pseudo_inputs"] += 0.5  # among the data, as images are
    for weight in drawn_weights(spec):
        weights[f"{weight}.log_variance"] -= 4
    noises = {f"noise.{weight}": nearly_normal(case.samples, *shape) for weight, shape in drawn_weights(spec).items()}
    return {"x": x, "noise": noise, **noises, **weights}
