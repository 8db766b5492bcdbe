"""A model of one implementation with a problem's weights, and how its notation describes its outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from numpy.typing import NDArray

from ..backends import Binding
from ..backends.table import base_dtype, precision
from ..notations import canonical
from ..notations.notation import Notation, Objective, Symbol
from ..notations.weight_maps import WeightMap, published_weights, weight_maps
from ..notations.writing import written_by
from ..reference import oracle
from ..reference.lifting import Lifted
from ..reference.problem import Problem
from ..reference.spec import Spec
from .records import Cell

Array = NDArray[Any]
# Eq. 8 of AEVB scales by N/M. A proof may use any N; one that is no multiple of M distinguishes N/M from M/N.
DATA_COUNT = 1797


@dataclass
class Subject:
    """A model of one implementation with a problem's weights, and its methods by role.

    Attributes:
        embedded: the problem's specification as the notation writes it.
        model: the framework's own.
        maps: by canonical weight of `spec`.
        dtype, mode: the cell's.
        any_count: N where the specification has none.
    """

    binding: Binding
    notation: Notation
    embedded: Lifted
    model: Any
    maps: Mapping[str, WeightMap]
    dtype: str
    mode: str
    any_count: int = DATA_COUNT

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

    def objective(self, other: Objective | None = None) -> Any:
        """The published objective as a function of (x, noise), and the noise of the weights where they have one.

        Args:
            other: another form of it that the source prints.
        """
        method = self.method("objective") if other is None else getattr(self.model, other.method)
        if (other or self.notation.objective).data != "N/M":
            return method
        count = next(s.code for s in self.notation.symbols if s.role == "data_count")
        return lambda *tensors: method(*tensors, **{count: self.data_count})

    @property
    def data_count(self) -> int:
        """N: the specification's own, or any where it has none."""
        return self.spec.data_count or self.any_count

    def objective_sign(self) -> int:
        """+1 where the published objective is minimised, −1 where it is maximised."""
        return canonical.objective_sign(self.notation.objective)

    def objective_factor(self, batch: int) -> float:
        """Published objective = factor · Σ_b bound_b, but for the constants that it leaves out."""
        return canonical.objective_factor(self.notation.objective, self.spec, batch, self.data_count)

    def total_bound(self, published: float, batch: int, kl: float | None) -> float:
        """A published objective as Σ_b bound_b, as `canonical.total_bound` has it."""
        return canonical.total_bound(self.notation.objective, self.spec, published, batch, self.data_count, kl)

    def starting_weights(self, problem: Problem) -> dict[str, Array]:
        """A problem's weights by attribute path, in the dtype that holds them."""
        rounded = oracle.rounded(problem, precision(self.dtype)).weights
        return published_weights(self.maps, self.embedded.weights(rounded), base_dtype(self.dtype))

    def data(self, x: Array) -> Any:
        """x [batch, data] as the tensor that the model takes."""
        return self.binding.tensor(self.laid_out(x), self.dtype)

    def laid_out(self, x: Array) -> Array:
        """x [batch, data] with the axes that the source's data have."""
        symbol = next(s for s in self.notation.symbols if s.role == "data")
        axes = tuple((name,) for name in self.notation.axes_of(symbol, self.binding.framework, self.spec))
        return canonical.lay_out(x, canonical.flat(("batch", "data"), self.spec), axes, self.spec)

    def canonical(self, symbol: Symbol, array: Array) -> Array:
        """A published quantity as the canonical tensor of its role and scale kind, float64."""
        return canonical.canonical(self.notation, self.binding.framework, self.spec, symbol, array)


def prepare(
    binding: Binding,
    cell: Cell,
    notation: Notation,
    module: ModuleType,
    problem: Problem,
    embedded: Lifted | None = None,
) -> Subject:
    """Build the cell's model, in its dtype and mode, and give it the problem's weights.

    `embedded` is how the notation is to write the specification; None for the way with the fewest embeddings.

    Raises:
        ValueError: the notation does not define the specification, or the model's weights are not those of its table.
    """
    embedded = embedded or written_by(notation, problem.spec)
    if embedded is None:
        raise ValueError(notation.unsupported(problem.spec))
    spec = embedded.target
    maps = weight_maps(notation, cell.framework, spec)
    model = binding.build(module, notation, spec, maps, cell.dtype)
    subject = Subject(binding, notation, embedded, model, maps, cell.dtype, cell.mode)
    binding.put_weights(model, subject.starting_weights(problem))
    return subject
