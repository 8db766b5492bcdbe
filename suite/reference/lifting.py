"""Lifting: a special case written as a more general model, and gradients brought back.

A scalar σ is a diagonal of equal entries, a diagonal is a Cholesky factor with nothing below it, N(0, I) is a learned
prior that has learned nothing: each family has its own (`Lifting`). Each is linear in the weights, so its adjoint
brings gradients back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .arithmetic import Array
from .families import LIFTINGS
from .spec import Spec
from .weights import weight_shapes

#: Between the names of liftings in a record, where the field is called `embedding`.
SEPARATOR = "; "


@dataclass(frozen=True)
class Lifted:
    """A specification after any number of liftings.

    Attributes:
        names: the names of the liftings, in order.
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
        """The adjoint of `weights`: gradients by the weights of `target` → by the weights of `source`."""
        found = {}
        for name, shape in weight_shapes(self.source).items():
            gradient = gradients[name]
            repeated = tuple(i for i, size in enumerate(shape) if size == 1 and gradient.shape[i] != 1)
            found[name] = gradient.sum(axis=repeated, keepdims=True) if repeated else gradient
        return found

    def steps(self) -> list[Lifted]:
        """Every way to lift it once more."""
        found = []
        for lifting in LIFTINGS:
            target = lifting.target(self.target)
            if target is None:
                continue
            shapes, before = weight_shapes(target), weight_shapes(self.target)
            filled = {
                name: np.broadcast_to(lifting.fill(self.target, name), shape)  # a view: 8 GiB in the large workload
                for name, shape in shapes.items()
                if name not in before
            }
            found.append(Lifted((*self.names, lifting.name), self.source, target, {**self.filled, **filled}))
        return found


def lifted(spec: Spec, *names: str) -> Lifted:
    """A specification after the liftings of these names, in this order; as it is without any.

    Raises:
        ValueError: there is none of a name, or the specification is no such special case.
    """
    known = Lifted((), spec, spec, {})
    for name in names:
        step = next((step for step in known.steps() if step.names[-1] == name), None)
        if step is None:
            fitting = ", ".join(lifting.name for lifting in LIFTINGS)
            raise ValueError(f"lifting '{name}': expected one of {fitting} that fits {known.target}")
        known = step
    return known
