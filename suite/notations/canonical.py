"""Published quantities as canonical tensors, by role, scale kind and axes; the objective by its sense.

Pure functions: the worker converts its outputs with them, and the checker of claims converts again as a claim says.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..reference.problem import Problem
from ..reference.spec import Spec
from . import constants
from .axes import Axes, permute
from .notation import Notation, Objective, Symbol
from .roles import ROLES

Array = NDArray[Any]


def canonical(notation: Notation, framework: str, spec: Spec, symbol: Symbol, array: Array) -> Array:
    """A published quantity as the canonical tensor of its role and scale kind, float64.

    A `sample` axis may lead either; a quantity that is the same for all latents is repeated.

    Args:
        notation, symbol: what the source says of it.
        framework: the framework that determines the layout of images.
        spec: what the model is built for.
        array: the quantity, with the symbol's axes; stacked over the draws where the source makes them one by one.

    Raises:
        ValueError: the array does not have the symbol's axes.
    """
    role = ROLES[symbol.role]
    axes: Axes = tuple((name,) for name in notation.axes_of(symbol, framework, spec))
    if array.ndim == len(axes) + 1:  # stacked over the draws by the harness
        axes = (("sample",), *axes)
    # Widened first, so that a conversion adds no rounding of its own.
    array = array.astype(np.float64)
    if ("sample",) in axes and "sample" not in role.axes:
        array = array.mean(axis=axes.index(("sample",)))
        axes = tuple(axis for axis in axes if axis != ("sample",))
    target = flat(role.axes, spec)
    if ("latent",) in target and ("latent",) not in axes:
        array, axes = np.repeat(array[..., None], spec.latent_dim, axis=-1), (*axes, ("latent",))
    return symbol.sign * lay_out(array, axes, target, spec) + constants.value(symbol.dropped, spec)


def lay_out(array: Array, source: Axes, target: Axes, spec: Spec) -> Array:
    """An array in another layout; an image's sides are the specification's."""
    sizes: dict[str, int] = {}
    if spec.image_shape:
        sizes = dict(zip(("channel", "height", "width"), spec.image_shape, strict=True))
    return permute(array, source, target, sizes)


def flat(axes: tuple[str, ...], spec: Spec) -> Axes:
    """Canonical axes; a convolutional network's data axis is an image in channel, height, width order."""
    image = ("channel", "height", "width")
    return tuple(image if axis == "data" and spec.network == "conv" else (axis,) for axis in axes)


def objective_sign(objective: Objective) -> int:
    """+1 where the published objective is minimised, −1 where it is maximised."""
    return 1 if objective.sense == "minimised" else -1


def objective_factor(objective: Objective, spec: Spec, batch: int, data_count: int) -> float:
    """Published objective = factor · Σ_b bound_b, but for the constants that it leaves out.

    Args:
        objective: what the source says of it.
        spec: what the model is built for.
        batch: M, the number of data in the batch.
        data_count: N, that of the whole set.
    """
    reduction = {"sum": 1.0, "mean": 1 / batch, "N/M": data_count / batch}[objective.data]
    scale = 1.0 if objective.scale is None else constants.FACTORS[objective.scale](spec)
    return -objective_sign(objective) * reduction * scale


def total_bound(
    objective: Objective, spec: Spec, published: float, batch: int, data_count: int, kl: float | None
) -> float:
    """A published objective as Σ_b bound_b, the KL weighed by the specification's β.

    Undone are its sense and reduction over data, what it leaves out, and, where it takes a mean over pixels or latents
    or has a β of its own, the weights that this gives to the two terms.

    Args:
        objective: what the source says of it.
        spec: what the model is built for.
        published: its value.
        batch, data_count: see `objective_factor`.
        kl: the batch's sum of the KL that the objective has; needed only where its weight has to be undone.

    Raises:
        ValueError: it is needed and not there.
    """
    total = published / objective_factor(objective, spec, batch, data_count) + batch * constants.value(
        objective.dropped, spec
    )
    likelihood = 1 / spec.data_dim if objective.pixels == "mean" else 1.0
    own = spec.beta if objective.beta == "beta" else float(objective.beta)
    weight = own / spec.latent_dim if objective.latents == "mean" else own
    if weight == spec.beta * likelihood:
        return total / likelihood
    if kl is None:
        raise ValueError(f"objective: its KL's weight is {weight:g}, and no quantity is a KL")
    return total / likelihood + (weight / likelihood - spec.beta) * kl


def sizes_by_role(problem: Problem, data_count: int) -> dict[str, float]:
    """Role of a constant → its value for a problem, without constants that its specification does not have.

    Args:
        problem: what is run.
        data_count: N.
    """
    spec = problem.spec
    sizes: dict[str, float | None] = {
        "data_count": data_count,
        "batch_size": len(problem.x),
        "sample_count": len(problem.noise),
        "latent_size": spec.latent_dim,
        "data_size": spec.data_dim,
        "component_count": spec.components,
        "kl_weight": spec.beta,
        "decoder_variance": spec.variance,
        "layer_count": len(spec.latents or spec.chain or ()) or None,
    }
    return {role: size for role, size in sizes.items() if size is not None}
