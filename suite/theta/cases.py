"""The cases in which the subscript is computed: six small models with seeded weights, a datum, latents, a second θ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from ..reference.problem import Array
from ..reference.spec import Spec
from ..reference.weights import weight_shapes
from .models import Grid, Linear, Model, Tanh

SEED = 7
WIDTH, DATA = 3, 3
"""Hidden units, and pixels of a datum."""
PSEUDO_INPUTS = 2
POINTS = 3
"""Latents at which the joint's factors are compared; derivatives are taken at the first."""

LINE = Grid(reach=16.0, step=0.1, latents=1)
PLANE = Grid(reach=12.0, step=0.3, latents=2)


@dataclass(frozen=True, eq=False)
class Case:
    """One model, with the weights, data and latents at which it is evaluated.

    Attributes:
        name, title: a key, and words for a reader.
        model: the densities.
        weights, other: two choices of all weights, by canonical name.
        x: [data], the datum.
        points: [point, latent].
        prior, likelihood, recognition: the blocks of weights (first words of their names) that p(z), p(x|z) and q(z|x)
            are made of; `prior` is θ_prior and `likelihood` is θ_lik.
        tabled: whether it has a dependency table; otherwise only the values of its rows are computed.
    """

    name: str
    title: str
    model: Model
    weights: Mapping[str, Array]
    other: Mapping[str, Array]
    x: Array
    points: Array
    prior: tuple[str, ...]
    likelihood: tuple[str, ...]
    recognition: tuple[str, ...]
    tabled: bool = True

    @property
    def binary(self) -> bool:
        """Whether x is in {0, 1}^data, so that Σ_x p(x) can be summed."""
        return isinstance(self.model, Tanh)

    @property
    def theta(self) -> tuple[str, ...]:
        """The blocks of the generative parameter, θ_prior first."""
        return tuple(dict.fromkeys((*self.prior, *self.likelihood)))

    def depends(self) -> dict[str, set[str]]:
        """Row of the dependency table → the blocks that it reads by its definition."""
        prior, likelihood, recognition = set(self.prior), set(self.likelihood), set(self.recognition)
        joint = prior | likelihood
        return {
            "p(z)": prior,
            "p(x|z)": likelihood,
            "p(x, z)": joint,
            "p(x)": joint,
            "p(z|x)": joint,
            "q(z|x)": recognition,
            "ELBO": joint | recognition,
        }


@dataclass(frozen=True)
class Evaluation:
    """The rows of a case at one choice of weights, one datum and one latent.

    Attributes:
        key: a name, unique in the case.
        weights: by canonical name.
        x: [data].
        z: [latent].
        gradients: whether the derivatives with respect to every weight are computed as well.
    """

    key: str
    weights: Mapping[str, Array]
    x: Array
    z: Array
    gradients: bool = False


BASE = "base/0"
"""The key of the evaluation that the dependency table shows."""


def evaluations(case: Case) -> Iterator[Evaluation]:
    """All evaluations of a case: the table, the joint with one block exchanged at a time, Σ_x p(x)."""
    for variant, weights in variants(case).items() if case.tabled else [("base", case.weights)]:
        for i, z in enumerate(case.points):
            key = f"{variant}/{i}"
            yield Evaluation(key, weights, case.x, z, gradients=case.tabled and key == BASE)
    if case.binary and case.tabled:
        for i, x in enumerate(all_data(len(case.x))):
            yield Evaluation(f"x/{i}", case.weights, x, case.points[0])


def variants(case: Case) -> dict[str, Mapping[str, Array]]:
    """`base`; `all`, every block of θ exchanged for the other one; and each block of θ alone."""
    return {
        "base": case.weights,
        "all": exchange(case, case.theta),
        **{block: exchange(case, (block,)) for block in case.theta},
    }


def exchange(case: Case, blocks: tuple[str, ...]) -> dict[str, Array]:
    """The weights with some blocks taken from the other choice."""
    return {n: case.other[n] if block_of(n) in blocks else w for n, w in case.weights.items()}


def block_of(weight: str) -> str:
    """The first word of a canonical name: `prior`, `decoder`, `encoder`, `pseudo`, `tied`."""
    return weight.partition(".")[0]


def all_data(pixels: int) -> Array:
    """Every x of {0, 1}^pixels: [2^pixels, data]."""
    return np.array(list(product((0.0, 1.0), repeat=pixels)))


def cases() -> tuple[Case, ...]:
    """The cases in the order in which they are shown."""
    return (
        _tanh("standard", "standard prior, 1 latent", LINE),
        _tanh("learned", "learned prior, 1 latent", LINE, "learned"),
        _tanh("vamp", "VampPrior, 1 latent", LINE, "vamp"),
        _tanh("tied", "encoder and decoder tied, 1 latent", LINE, tied=True),
        _linear("linear", "linear-Gaussian, exact, 2 latents"),
        _tanh("plane", "learned prior, 2 latents", PLANE, "learned"),
    )


def _tanh(name: str, title: str, grid: Grid, prior: str = "standard", *, tied: bool = False) -> Case:
    components = PSEUDO_INPUTS if prior == "vamp" else None
    spec = Spec("mlp", "bernoulli", prior, "tanh", (WIDTH,), DATA, grid.latents, components=components)
    shapes = weight_shapes(spec)
    if tied:
        for layer in ("encoder.hidden.0", "encoder.mean", "decoder.hidden.0", "decoder.logits"):
            del shapes[f"{layer}.weight"]
        shapes = {"tied.data.weight": (WIDTH, DATA), "tied.latent.weight": (grid.latents, WIDTH), **shapes}
    # pseudo-inputs are a block of their own in the dependency table
    shapes = {weight.replace("prior.pseudo_inputs", "pseudo.inputs"): shape for weight, shape in shapes.items()}
    shared = ("tied",) if tied else ()
    return Case(
        name=name,
        title=title,
        model=Tanh(grid, spec, tied),
        x=np.array([1.0, 0.0, 1.0]),
        prior={"standard": (), "learned": ("prior",), "vamp": ("encoder", "pseudo")}[prior],
        likelihood=(*shared, "decoder"),
        recognition=(*shared, "encoder"),
        **_drawn(shapes, grid.latents),
    )


def _linear(name: str, title: str) -> Case:
    latents = 2
    shapes: dict[str, tuple[int, ...]] = {
        "encoder.mean.weight": (latents, DATA),
        "encoder.mean.bias": (latents,),
        "encoder.factor": (latents, latents),
        "prior.mean": (latents,),
        "prior.factor": (latents, latents),
        "decoder.mean.weight": (DATA, latents),
        "decoder.mean.bias": (DATA,),
        "decoder.log_variance": (1,),
    }
    return Case(
        name=name,
        title=title,
        model=Linear(),
        x=np.array([0.7, -0.4, 1.1]),
        prior=("prior",),
        likelihood=("decoder",),
        recognition=("encoder",),
        **_drawn(shapes, latents),
    )


def _drawn(shapes: Mapping[str, tuple[int, ...]], latents: int) -> dict[str, Any]:
    """`weights`, `other` and `points` of a case."""
    generator = np.random.default_rng(SEED)
    weights, other = ({n: _draw(n, shape, generator) for n, shape in shapes.items()} for _ in range(2))
    return {"weights": weights, "other": other, "points": generator.normal(size=(POINTS, latents))}


def _draw(name: str, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    """Weights of the order of ½: large enough to be seen in every row, small enough for the quadrature to be exact.

    The heads of the encoder are kept near 0, so that q(z|x) has died out where the grid ends.
    """
    values: Array = generator.uniform(0.2, 0.8, shape) * generator.choice((-1.0, 1.0), shape)
    if name.endswith("factor"):  # lower triangular, with a positive diagonal
        values = np.tril(values, -1) + np.diag(np.diag(np.abs(values)) + 0.3)
    if name.startswith(("encoder.mean", "encoder.log_variance")):
        values = 0.4 * values
    return values


def absorbed(case: Case) -> Case:
    """The same joint under z = As + m: the prior of s is standard, and A, m have moved into θ_lik and into the encoder.

    Raises:
        ValueError: the case has no learned Gaussian prior.
    """
    w = case.weights
    if "prior.mean" not in w:
        raise ValueError(f"{case.name}: only an affine-Gaussian prior with parameters can be absorbed")
    shift = w["prior.mean"]
    first = "decoder.hidden.0" if isinstance(case.model, Tanh) else "decoder.mean"
    moved = {n: value for n, value in w.items() if block_of(n) != "prior"}
    if isinstance(case.model, Tanh):
        scale = np.diag(np.exp(w["prior.log_variance"] / 2))
        moved["encoder.log_variance.bias"] = w["encoder.log_variance.bias"] - w["prior.log_variance"]
        model: Model = Tanh(case.model.grid, replace(case.model.spec, prior="standard"))
    else:
        scale = np.tril(w["prior.factor"])
        moved["encoder.factor"] = np.linalg.solve(scale, np.tril(w["encoder.factor"]))
        model = Linear()
    moved[f"{first}.weight"] = w[f"{first}.weight"] @ scale
    moved[f"{first}.bias"] = w[f"{first}.bias"] + w[f"{first}.weight"] @ shift
    moved["encoder.mean.weight"] = np.linalg.solve(scale, w["encoder.mean.weight"])
    moved["encoder.mean.bias"] = np.linalg.solve(scale, w["encoder.mean.bias"] - shift)
    points = np.linalg.solve(scale, (case.points - shift).T).T
    name, title = f"{case.name}-absorbed", f"{case.title}, prior absorbed"
    return Case(name, title, model, moved, moved, case.x, points, (), case.likelihood, case.recognition, tabled=False)


def absorptions() -> tuple[tuple[Case, Case], ...]:
    """Each case with a learned Gaussian prior, and the same case with the prior absorbed."""
    return tuple((case, absorbed(case)) for case in cases() if "prior.mean" in case.weights)


def all_cases() -> tuple[Case, ...]:
    """The cases, and the cases after absorption."""
    return (*cases(), *(moved for _, moved in absorptions()))
