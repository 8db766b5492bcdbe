"""Embeddings: a special case written as the more general model that a notation defines, and gradients brought back.

A scalar σ is a diagonal of equal entries, a diagonal is a Cholesky factor with nothing below it, N(0, I) is a learned
prior that has learned nothing. Each is linear in the weights, so its adjoint brings gradients back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .notation import Notation
from .spec import Spec
from .weights import weight_shapes

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Embedding:
    """One way to write a specification as a more general one.

    Attributes:
        name: in words, special case first.
        target: the general specification of a special one; None where the special case does not hold.
        fill: (special specification, canonical weight that only the general one has) → its constant value.
    """

    name: str
    target: Callable[[Spec], Spec | None]
    fill: Callable[[Spec, str], float | Array]


def _scalar(spec: Spec) -> Spec | None:
    return replace(spec, posterior="diagonal") if spec.posterior == "isotropic" else None


def _cholesky(spec: Spec) -> Spec | None:
    plain = spec.posterior == "diagonal" and spec.prior != "vamp" and spec.network == "mlp" and not spec.chain
    return replace(spec, posterior="full") if plain else None


def _rank_one(spec: Spec) -> Spec | None:
    full = _cholesky(spec)
    return full and replace(full, posterior="rank-one")


def _learned_prior(spec: Spec) -> Spec | None:
    return replace(spec, prior="learned") if spec.prior == "standard" and not spec.chain else None


def _deep_latents(spec: Spec) -> Spec | None:
    plain = spec.network == "mlp" and spec.decoder_weights == "point" and not (spec.latents or spec.chain)
    return replace(spec, latents=(spec.latent_dim,)) if plain else None


def _free_variance(spec: Spec) -> Spec | None:
    return replace(spec, likelihood="gaussian", variance=None) if spec.likelihood == "gaussian-fixed" else None


def _zero(spec: Spec, name: str) -> float:
    return 0.0


def _identity(spec: Spec, name: str) -> Array:
    return np.eye(spec.latent_dim)


def _log_variance(spec: Spec, name: str) -> float:
    assert spec.variance
    return math.log(spec.variance) if name.endswith(".bias") else 0.0


#: Between the names of embeddings in a record.
SEPARATOR = "; "

EMBEDDINGS = (
    Embedding("a scalar σ tiled", _scalar, _zero),
    Embedding("G = I", _deep_latents, _identity),
    Embedding("a diagonal as a Cholesky factor", _cholesky, _zero),
    Embedding("a diagonal as D + uuᵀ with u = 0", _rank_one, _zero),
    Embedding("N(0, I) as a learned prior", _learned_prior, _zero),
    Embedding("a constant σ² as a head that does not vary", _free_variance, _log_variance),
)


@dataclass(frozen=True)
class Embedded:
    """A specification as a notation writes it, after any number of embeddings.

    Attributes:
        names: of the embeddings, in order; empty where the notation defines the specification itself.
        source, target: before and after.
        filled: canonical weights of `target` that are constants.
    """

    names: tuple[str, ...]
    source: Spec
    target: Spec
    filled: Mapping[str, Array]

    @property
    def text(self) -> str | None:
        """The names as one text, as records have it; None where there are none."""
        return SEPARATOR.join(self.names) or None

    def weights(self, weights: Mapping[str, Array]) -> dict[str, Array]:
        """Canonical weights of `source` → those of `target`: kept, repeated along an axis of size one, or constant."""
        found = {}
        for name, shape in weight_shapes(self.target).items():
            value = self.filled[name] if name in self.filled else weights[name]
            found[name] = np.ascontiguousarray(np.broadcast_to(value, shape))
        return found

    def gradients(self, gradients: Mapping[str, Array]) -> dict[str, Array]:
        """The adjoint of `weights`: gradients by the weights of `target` → by those of `source`."""
        found = {}
        for name, shape in weight_shapes(self.source).items():
            gradient = gradients[name]
            repeated = tuple(i for i, size in enumerate(shape) if size == 1 and gradient.shape[i] != 1)
            found[name] = gradient.sum(axis=repeated, keepdims=True) if repeated else gradient
        return found


def written_by(notation: Notation, spec: Spec) -> Embedded | None:
    """How a notation writes a specification, with the fewest embeddings; None where it does not define it."""
    seen = [Embedded((), spec, spec, {})]
    for known in seen:  # grows while it is walked: breadth first
        if notation.unsupported(known.target) is None:
            return known
        seen += [step for step in _steps(known) if all(step.target != other.target for other in seen)]
    return None


def embedded(spec: Spec, *names: str) -> Embedded:
    """A specification after the embeddings of these names, in this order.

    Raises:
        ValueError: there is none of a name, or the specification is no such special case.
    """
    known = Embedded((), spec, spec, {})
    for name in names:
        step = next((step for step in _steps(known) if step.names[-1] == name), None)
        if step is None:
            fitting = ", ".join(e.name for e in EMBEDDINGS)
            raise ValueError(f"embedding '{name}': expected one of {fitting} that fits {known.target}")
        known = step
    return known


def _steps(known: Embedded) -> list[Embedded]:
    steps = []
    for embedding in EMBEDDINGS:
        target = embedding.target(known.target)
        if target is None:
            continue
        shapes, before = weight_shapes(target), weight_shapes(known.target)
        filled = {
            name: np.broadcast_to(embedding.fill(known.target, name), shape)  # a view: 8 GiB in the large workload
            for name, shape in shapes.items()
            if name not in before
        }
        steps.append(Embedded((*known.names, embedding.name), known.source, target, {**known.filled, **filled}))
    return steps
