"""A model of one implementation, loaded with a problem's weights, and what its notation says of what it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..definition import constants
from ..definition.axes import Axes, permute
from ..definition.embeddings import Embedded, written_by
from ..definition.maps import WeightMap, published_weights, weight_maps
from ..definition.notation import Notation, Symbol
from ..definition.problem import Problem
from ..definition.roles import ROLES
from ..definition.spec import Spec
from .backends import base_dtype
from .bindings import Binding
from .records import Cell

Array = NDArray[Any]
# Eq. 8 of AEVB scales by N/M; any N will do for a proof, and one that is no multiple of M tells N/M from M/N.
DATA_COUNT = 1797


@dataclass
class Subject:
    """A model of one implementation, loaded with a problem's weights, and how to talk to it.

    Attributes:
        binding: what executes it.
        notation: what its file writes.
        embedded: the problem's specification as the notation writes it.
        model: the framework's own.
        maps: by canonical weight of `spec`.
        dtype, mode: the cell's.
    """

    binding: Binding
    notation: Notation
    embedded: Embedded
    model: Any
    maps: Mapping[str, WeightMap]
    dtype: str
    mode: str

    @property
    def spec(self) -> Spec:
        """What the model is built for."""
        return self.embedded.target

    @property
    def paths(self) -> list[str]:
        return [m.path for m in self.maps.values()]

    def method(self, name: str) -> Any:
        """The model's method for `quantities` or `objective`, in its published form where the mode asks for that."""
        methods = self.notation.methods
        published = getattr(methods, f"{name}_as_published") if self.mode == "published" else None
        return getattr(self.model, published or getattr(methods, name))

    def objective(self) -> Any:
        """The published objective as a function of (x, noise), and the noise of the weights where they have one."""
        method = self.method("objective")
        if self.notation.objective.data != "N/M":
            return method
        count = next(s.code for s in self.notation.symbols if s.role == "data_count")
        return lambda *tensors: method(*tensors, **{count: self.data_count})

    @property
    def data_count(self) -> int:
        """N: the specification's own, or any where it has none."""
        return self.spec.data_count or DATA_COUNT

    def objective_sign(self) -> int:
        """+1 where the published objective is minimised, −1 where it is maximised."""
        return 1 if self.notation.objective.sense == "minimised" else -1

    def objective_factor(self, batch: int) -> float:
        """Published objective = factor · Σ_b bound_b, but for the constants that it leaves out."""
        reduction = {"sum": 1.0, "mean": 1 / batch, "N/M": self.data_count / batch}[self.notation.objective.data]
        return -self.objective_sign() * reduction

    def total_bound(self, published: float, batch: int, kl: float | None) -> float:
        """A published objective as Σ_b bound_b, the KL weighed by the specification's β.

        Undone are its sense and reduction over data, what it leaves out, and, where it takes a mean over pixels or
        latents or has a β of its own, the weights that this gives to the two terms.

        Args:
            published: its value.
            batch: number of data.
            kl: the batch's sum of the KL that the objective has; needed only where its weight has to be undone.
        """
        objective, spec = self.notation.objective, self.spec
        total = published / self.objective_factor(batch) + batch * constants.value(objective.dropped, spec)
        likelihood = 1 / spec.data_dim if objective.pixels == "mean" else 1.0
        own = spec.beta if objective.beta == "beta" else float(objective.beta)
        weight = own / spec.latent_dim if objective.latents == "mean" else own
        if weight == spec.beta * likelihood:
            return total / likelihood
        if kl is None:
            raise ValueError(f"{self.notation.id}: objective: its KL's weight is {weight:g}, and no quantity is a KL")
        return total / likelihood + (weight / likelihood - spec.beta) * kl

    def image_axes(self, symbol: Symbol) -> Axes:
        return tuple((name,) for name in self.notation.axes_of(symbol, self.binding.framework, self.spec))

    def data(self, x: Array) -> Any:
        """x [batch, data] as the tensor that the model takes."""
        symbol = next(s for s in self.notation.symbols if s.role == "data")
        return self.binding.tensor(
            self._layout(x, _flat(("batch", "data"), self.spec), self.image_axes(symbol)), self.dtype
        )

    def _layout(self, array: Array, source: Axes, target: Axes) -> Array:
        sizes: dict[str, int] = {}
        if self.spec.image_shape:
            sizes = dict(zip(("channel", "height", "width"), self.spec.image_shape, strict=True))
        return permute(array, source, target, sizes)

    def canonical(self, symbol: Symbol, array: Array) -> Array:
        """A published quantity as the canonical tensor of its role and scale kind, float64.

        A `sample` axis may lead either; a quantity that is the same for all latents is repeated.
        """
        role = ROLES[symbol.role]
        axes = self.image_axes(symbol)
        if array.ndim == len(axes) + 1:  # stacked over the draws by the harness
            axes = (("sample",), *axes)
        # Widened first, so that a conversion adds no rounding of its own.
        array = array.astype(np.float64)
        if ("sample",) in axes and "sample" not in role.axes:
            array = array.mean(axis=axes.index(("sample",)))
            axes = tuple(axis for axis in axes if axis != ("sample",))
        target = _flat(role.axes, self.spec)
        if ("latent",) in target and ("latent",) not in axes:
            array, axes = np.repeat(array[..., None], self.spec.latent_dim, axis=-1), (*axes, ("latent",))
        return symbol.sign * self._layout(array, axes, target) + constants.value(symbol.dropped, self.spec)


def _flat(axes: tuple[str, ...], spec: Spec) -> Axes:
    """Canonical axes; a convolutional network's data axis is an image in channel, height, width order."""
    image = ("channel", "height", "width")
    return tuple(image if axis == "data" and spec.network == "conv" else (axis,) for axis in axes)


def prepare(
    binding: Binding,
    cell: Cell,
    notation: Notation,
    module: ModuleType,
    problem: Problem,
    embedded: Embedded | None = None,
) -> Subject:
    """Build the cell's model and give it the problem's weights.

    Args:
        binding: what executes it.
        cell: whose dtype and mode it has.
        notation, module: whose model it is.
        problem: whose weights it gets.
        embedded: how the notation is to write the specification; None for the way with the fewest embeddings.

    Raises:
        ValueError: the notation does not define the specification, or the model's weights are not those of its table.
    """
    embedded = embedded or written_by(notation, problem.spec)
    if embedded is None:
        raise ValueError(notation.unsupported(problem.spec))
    spec = embedded.target
    maps = weight_maps(notation, cell.framework, spec)
    model = binding.build(module, notation, spec, maps, cell.dtype)
    weights = embedded.weights(problem.weights)
    binding.put_weights(model, published_weights(maps, weights, base_dtype(cell.dtype)))
    return Subject(binding, notation, embedded, model, maps, cell.dtype, cell.mode)
