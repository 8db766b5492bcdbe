"""Seeded random problems, all of them correct: what no cell may be accused on.

Sizes come from a small set, since JAX compiles each operation once per shape; everything else varies freely.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

import numpy as np
from equivalence.conditioning import well_conditioned
from numpy.typing import NDArray

from elbostone.reference.parsing import LIKELIHOODS
from elbostone.reference.problem import Problem
from elbostone.reference.spec import Spec
from elbostone.reference.weights import decoder_slots, fan_in, weight_axes, weight_shapes

Array = NDArray[np.float64]

COUNT = 500
SEED = 2691
DEPTH = 6
SCALE = 3.0
#: What log σ² of the weights of a decoder that has a posterior is drawn from.
WEIGHT_LOG_VARIANCE = (-8.0, -1.0)

LATENT = 4
LAYERS = (3, 1)
COMPONENTS = 6
DATA_COUNT = 100
#: Batch, samples, data, and the widths that hidden layers have in turn. The first are the sizes of the families' exact
#: cases and of the probes of claims.
SIZES = (
    (3, 2, 7, (5, 8)),
    (3, 2, 7, (8, 8)),
    (1, 3, 7, (5, 8)),
    (4, 1, 12, (8, 5)),
)
#: image_shape, channels, hidden, latent, batch, samples
IMAGES = (
    ((1, 4, 6), (3,), 5, 4, 3, 2),
    ((2, 4, 8), (2, 4), 8, 4, 1, 3),
)


@dataclass(frozen=True)
class Family:
    """What varies among the problems of one family, as far as some source defines it.

    Attributes:
        fields: of the specification, the same for all; a `beta` of None is drawn.
        likelihoods, priors, activations: what is drawn from.
        depth: the largest number of hidden layers.
        sizes: which of `SIZES` are drawn from; the first alone for what only some sources define.
        scale: the largest scale of the weights; smaller where a draw feeds another net, so that nothing explodes.
    """

    fields: dict[str, object]
    likelihoods: tuple[str, ...] = LIKELIHOODS
    priors: tuple[str, ...] = ("standard",)
    activations: tuple[str, ...] = ("tanh", "relu", "softplus")
    depth: int = 3
    sizes: tuple[tuple[int, int, int, tuple[int, int]], ...] = SIZES[:1]
    scale: float = SCALE


_EITHER = ("bernoulli", "gaussian")
_BINARY: dict[str, Any] = {"likelihoods": ("bernoulli",)}
FAMILIES: dict[str, Family] = {
    # Any multilayer perceptron of the plainest posterior, one that nearly every notation can write, and images
    "any": Family({}, priors=("standard", "learned"), depth=DEPTH, sizes=SIZES),
    "plain": Family({}, **_BINARY, activations=("tanh", "relu"), depth=1, sizes=SIZES),
    "image": Family({"network": "conv"}, **_BINARY, activations=("tanh", "relu")),
    # What only some sources define
    "isotropic": Family({"posterior": "isotropic"}, ("gaussian-fixed", "gaussian-fixed", "bernoulli"), depth=DEPTH),
    "full": Family({"posterior": "full"}, priors=("standard", "learned"), depth=DEPTH),
    "rank-one": Family({"posterior": "rank-one", "latents": LAYERS}, scale=1.5),
    "layers": Family({"latents": LAYERS}, scale=1.5),
    "chain": Family({"chain": LAYERS}, _EITHER, depth=2, scale=1.0),
    "vamp": Family({"prior": "vamp", "components": COMPONENTS}, **_BINARY, activations=("tanh", "relu", "gated")),
    "gated": Family({}, **_BINARY, activations=("gated",)),
    "free": Family({"posterior": "free"}, _EITHER),
    "full-vb": Family(
        {"decoder_weights": "posterior", "data_count": DATA_COUNT},
        _EITHER,
        activations=("tanh", "relu"),
        depth=1,
        scale=1.0,
    ),
    "global": Family({"posterior": "free", "decoder_weights": "posterior"}, scale=1.0),
    "beta": Family({"beta": None}, ("bernoulli", "gaussian-fixed"), depth=DEPTH),
}
#: One of each comes first.
TURNS = (*FAMILIES, *["any"] * 3, *["plain"] * 2, "image")


def random_problems(count: int = COUNT) -> Iterator[Problem]:
    """The first `count` problems; each is the same however many are asked for."""
    for number in range(count):
        family = FAMILIES[TURNS[number % len(TURNS)]]
        yield _problem(f"random-{number:03}", family, np.random.default_rng((SEED, number)))


def family_of(problem: Problem) -> str:
    return TURNS[int(problem.name.removeprefix("random-")) % len(TURNS)]


def has_first_sizes(problem: Problem) -> bool:
    """Whether its sizes are the first of `SIZES`, or of `IMAGES`."""
    spec = problem.spec
    if spec.network == "conv":
        return spec.image_shape == IMAGES[0][0]
    batch, samples, data, widths = SIZES[0]
    hidden = tuple(islice(cycle(widths), len(spec.hidden)))
    return (problem.x.shape, problem.noise.shape[0], spec.hidden) == ((batch, data), samples, hidden)


def _problem(name: str, family: Family, random: np.random.Generator) -> Problem:
    spec, batch, samples = _spec(family, random)
    noise = random.standard_normal((samples, batch, spec.latent_dim))
    drawn = decoder_slots(spec) if spec.decoder_weights == "posterior" else []
    weight_noise = {slot.name: random.standard_normal((samples, *slot.shape)) for slot in drawn}
    weights = _weights(spec, random, family.scale)
    problem = Problem(name, spec, _data(spec, batch, random), noise, weights, weight_noise)
    return well_conditioned(problem, random)


def _spec(family: Family, random: np.random.Generator) -> tuple[Spec, int, int]:
    """A specification, the batch size and the number of samples."""
    likelihood, prior, activation = (
        words[random.integers(len(words))] for words in (family.likelihoods, family.priors, family.activations)
    )
    plain = {"likelihood": likelihood, "prior": prior, "activation": activation}
    fields = dict(family.fields)
    if fields.get("network") == "conv":
        image, channels, hidden, latent, batch, samples = IMAGES[random.integers(len(IMAGES))]
        sizes = {"hidden": (hidden,), "data_dim": int(np.prod(image)), "latent_dim": latent}
        return Spec(**{**plain, **fields, **sizes, "image_shape": image, "channels": channels}), batch, samples
    batch, samples, data, widths = family.sizes[random.integers(len(family.sizes))]
    depth = int(random.integers(1, family.depth + 1))
    sizes = {"hidden": tuple(islice(cycle(widths), depth)), "data_dim": data, "latent_dim": LATENT}
    if likelihood == "gaussian-fixed":  # some sources know a variance of 1 alone
        fields["variance"] = (1.0, 1.0, float(np.exp(random.uniform(-4, 2))))[random.integers(3)]
    if "beta" in fields:
        fields["beta"] = float(np.exp(random.uniform(-2, 3)))
    if fields.get("posterior") == "free":
        fields["data_count"] = batch
    return Spec(**{"network": "mlp", **plain, **fields, **sizes}), batch, samples


def _data(spec: Spec, batch: int, random: np.random.Generator) -> Array:
    """x [batch, data]: binary, grey, or grey with pixels that are entirely off or on; any number under a Gaussian."""
    shape = (batch, spec.data_dim)
    if spec.likelihood != "bernoulli":
        return random.standard_normal(shape) * np.exp(random.uniform(-2, 1))
    grey = random.random(shape)
    return (grey.round(), grey, np.clip(2 * grey - 0.5, 0, 1))[random.integers(3)]


def _weights(spec: Spec, random: np.random.Generator, largest: float) -> dict[str, Array]:
    """Normal weights of standard deviation scale/√fan_in, one scale per problem; biases, and a prior, of scale/3."""
    scale = random.uniform(0.1, largest)
    axes = weight_axes(spec)
    weights = {}
    for name, shape in weight_shapes(spec).items():
        layer = name.removesuffix(".mean").endswith(".weight")
        sd = scale / np.sqrt(fan_in(axes[name], shape)) if layer else scale / 3
        weights[name] = random.standard_normal(shape) * sd
    if spec.decoder_weights == "posterior":
        for slot in decoder_slots(spec):
            weights[f"{slot.name}.log_variance"] = random.uniform(*WEIGHT_LOG_VARIANCE, slot.shape)
    if spec.prior == "vamp":
        weights["prior.pseudo_inputs"] = random.random((COMPONENTS, spec.data_dim))
    return weights
