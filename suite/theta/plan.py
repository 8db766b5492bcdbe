"""The training runs on the digits: specifications, initial weights, minibatches, and which weights are shared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ..reference.data import digits
from ..reference.problem import Array
from ..reference.spec import Spec
from ..reference.weights import weight_shapes

Weights = dict[str, Array]

SEEDS = (0, 1, 2)
TRAIN, HELD_OUT = 1437, 120
"""Digits to train on, the first, and to score, the last."""
BATCH, STEPS = 100, 2000
STEP_SIZE, ACCUMULATOR = 0.1, 2.0**-10
"""The constants of Adagrad, which divides by √(accumulator + Σg²)."""
SAMPLES = 5000
"""Importance samples behind a held-out log-likelihood."""
DIGITS_AT_ONCE, SAMPLES_AT_ONCE = 20, 500
"""Digits and samples that are evaluated at a time."""

GENERATIVE = ("prior", "decoder")
"""First words of the canonical names of θ; the other weights are φ."""
AS_TRAINED = "as trained"
"""The readout of the trained weights as they are; copies have two more."""
FIRST, SECOND = "first", "second"
"""The two copies of θ: the prior reads the first, the likelihood the second."""

TIES = {"decoder.logits.weight": "encoder.hidden.0.weight", "decoder.hidden.0.weight": "encoder.mean.weight"}
"""Decoder weight → the encoder weight that it is the transpose of, where the two are tied."""


@dataclass(frozen=True)
class Regime:
    """One way to train.

    Attributes:
        name: `learned`, `frozen`, `tied`, `one-copy` or `two-copies`.
        notation: the notation whose implementation is trained.
        prior: the prior of the specification.
        title: words for a reader.
    """

    name: str
    notation: str
    prior: str
    title: str

    @property
    def spec(self) -> Spec:
        return Spec("mlp", "bernoulli", self.prior, "tanh", (32,), 64, 8)

    @property
    def copies(self) -> bool:
        return self.name == "two-copies"


@dataclass(frozen=True)
class Training:
    """One training: a regime and a seed; with `rounding`, a second seed, every new weight is perturbed."""

    regime: str
    seed: int
    rounding: int | None = None

    @property
    def name(self) -> str:
        """A name among the trainings of one backend."""
        return f"{self.regime}-{self.seed}-{self.rounding}"


ROUNDINGS = 3
"""Perturbed trainings per regime, which measure how far rounding carries a trained figure."""

REGIMES = (
    Regime("learned", "kingma_welling_2013", "standard", "θ and φ learned"),
    Regime("frozen", "kingma_welling_2013", "standard", "θ frozen at its start, φ learned"),
    Regime("tied", "kingma_welling_2013", "standard", "decoder tied to the encoder"),
    Regime("one-copy", "kingma_welling_2019", "learned", "one θ in prior and likelihood"),
    Regime("two-copies", "kingma_welling_2019", "learned", "θ¹ in the prior, θ² in the likelihood"),
)


BY_NAME = {regime.name: regime for regime in REGIMES}


def trainings(*, perturbed: bool) -> list[Training]:
    """Every training of one backend, and if `perturbed` those that measure rounding."""
    plain = [Training(r.name, seed) for r in REGIMES for seed in (SEEDS[:1] if r.prior == "learned" else SEEDS)]
    rounded = [Training(r.name, SEEDS[0], rounding) for r in REGIMES for rounding in range(ROUNDINGS)]
    return plain + rounded if perturbed else plain


def split_digits() -> tuple[Array, Array]:
    """(training set, held-out set), binarised, [data count, data] each."""
    images = digits(binarised=True)
    return images[:TRAIN], images[-HELD_OUT:]


def start(regime: Regime, seed: int) -> Weights:
    """All weights at N(0, 0.01), as AEVB starts them. Tied weights start tied, and both copies start alike."""
    generator = np.random.default_rng(seed)
    shapes = weight_shapes(regime.spec)
    free = {name: 0.1 * generator.standard_normal(shape) for name, shape in shapes.items()}
    if regime.copies:
        shared = {name: weight for name, weight in free.items() if not is_generative(name)}
        copies = {f"{c}/{n}": w.copy() for c in (FIRST, SECOND) for n, w in free.items() if is_generative(n)}
        return {**shared, **copies}
    return {name: weight for name, weight in free.items() if not (regime.name == "tied" and name in TIES)}


def is_generative(name: str) -> bool:
    """Whether a canonical weight belongs to θ."""
    return name.partition(".")[0] in GENERATIVE


def expand(regime: Regime, free: Mapping[str, Array]) -> Weights:
    """Free weights → every weight of the model, or of both models as `first/<weight>`, `second/<weight>`."""
    if regime.copies:
        shared = {n: w for n, w in free.items() if "/" not in n}
        own = {n: w for n, w in free.items() if "/" in n}
        return {**{f"{c}/{n}": w for c in (FIRST, SECOND) for n, w in shared.items()}, **own}
    if regime.name == "tied":
        return {**free, **{tied: free[source].T for tied, source in TIES.items()}}
    return dict(free)


def collect(regime: Regime, gradients: Mapping[str, Array]) -> Weights:
    """The adjoint of `expand`, without the weights that are not learned."""
    if regime.copies:
        names = {n.partition("/")[2] for n in gradients if not is_generative(n.partition("/")[2])}
        shared = {n: gradients[f"{FIRST}/{n}"] + gradients[f"{SECOND}/{n}"] for n in names}
        return {**shared, **{n: g for n, g in gradients.items() if is_generative(n.partition("/")[2])}}
    if regime.name == "tied":
        sources = {source: gradients[source] + gradients[tied].T for tied, source in TIES.items()}
        return {n: g for n, g in {**gradients, **sources}.items() if n not in TIES}
    if regime.name == "frozen":
        return {n: g for n, g in gradients.items() if not is_generative(n)}
    return dict(gradients)


def one_copy(weights: Mapping[str, Array], copy: str) -> Weights:
    """The weights of one of several models, by their names within it."""
    return {n.removeprefix(f"{copy}/"): w for n, w in weights.items() if n.startswith(f"{copy}/")}


def readouts(regime: Regime, free: Mapping[str, Array]) -> Iterator[tuple[str, Weights]]:
    """The models that a training leaves: one, or with two copies the pair as trained and each copy used throughout."""
    weights = expand(regime, free)
    if not regime.copies:
        yield AS_TRAINED, weights
        return
    first, second = one_copy(weights, FIRST), one_copy(weights, SECOND)
    prior = {name: weight for name, weight in first.items() if name.startswith("prior.")}
    yield AS_TRAINED, {**second, **prior}
    yield "θ¹ throughout", first
    yield "θ² throughout", second


def batches(train: Array, seed: int, latents: int, steps: int = STEPS) -> Iterator[tuple[Array, Array]]:
    """Minibatches [batch, data] and noise [sample, batch, latent], the same for every regime and backend."""
    generator = np.random.default_rng((seed, 1))
    for _ in range(steps):
        yield train[generator.integers(len(train), size=BATCH)], generator.standard_normal((1, BATCH, latents))


def importance_noise(first: int, count: int, latents: int) -> Iterator[Array]:
    """Draws behind the held-out score of `count` digits from number `first` on: [sample, batch, latent] each."""
    generator = np.random.default_rng((first, 3))
    for _ in range(SAMPLES // SAMPLES_AT_ONCE):
        yield generator.standard_normal((count, SAMPLES_AT_ONCE, latents)).swapaxes(0, 1)


class Adagrad:
    """Ascent on (N/M) Σ_b elbo_b, in float64, the same for every backend.

    Args:
        rounding: multiplies every new weight by 1 + u·eps, to measure how far rounding may carry a training.
    """

    def __init__(self, rounding: np.random.Generator | None = None) -> None:
        self._sums: Weights = {}
        self._rounding = rounding

    def update(self, weights: Mapping[str, Array], gradients: Mapping[str, Array]) -> Weights:
        """Gradients of Σ_b elbo_b → new weights; one without a gradient stays as it is."""
        new = dict(weights)
        for name, gradient in gradients.items():
            scaled = TRAIN / BATCH * gradient
            self._sums[name] = self._sums.get(name, np.full(scaled.shape, ACCUMULATOR)) + scaled**2
            new[name] = weights[name] + STEP_SIZE * scaled / np.sqrt(self._sums[name])
            if self._rounding is not None:
                new[name] = new[name] * (1 + 2.0**-52 * self._rounding.uniform(-1, 1, scaled.shape))
        return new
