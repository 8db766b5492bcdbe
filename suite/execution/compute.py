"""One cell in a worker: run a notation's own equations and bring what they return into canonical form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..definition.axes import Axes, permute
from ..definition.maps import WeightMap, published_weights, weight_maps
from ..definition.notation import Notation, Symbol
from ..definition.problem import Problem
from ..definition.roles import ROLES, TO_LOG_VARIANCE
from ..definition.spec import Spec
from .backends import base_dtype
from .bindings import Binding, Graphs
from .records import Cell

Array = NDArray[Any]
OBJECTIVE = "objective"
# Eq. 8 of AEVB scales by N/M; any N will do for a proof, and one that is no multiple of M tells N/M from M/N.
DATA_COUNT = 1797


@dataclass
class Subject:
    """A model of one implementation, loaded with a problem's weights, and how to talk to it."""

    binding: Binding
    notation: Notation
    spec: Spec
    model: Any
    maps: Mapping[str, WeightMap]
    dtype: str
    mode: str

    @property
    def paths(self) -> list[str]:
        return [m.path for m in self.maps.values()]

    def method(self, name: str) -> Any:
        """The model's method for `quantities` or `objective`, in its published form where the mode asks for that."""
        methods = self.notation.methods
        published = getattr(methods, f"{name}_as_published") if self.mode == "published" else None
        return getattr(self.model, published or getattr(methods, name))

    def objective(self) -> Any:
        """The published objective as a function of (x, noise)."""
        method = self.method("objective")
        if self.notation.objective.data == "N/M":
            return lambda x, noise: method(x, noise, DATA_COUNT)
        return method

    def objective_sign(self) -> int:
        """+1 where the published objective is minimised, −1 where it is maximised."""
        return 1 if self.notation.objective.sense == "minimised" else -1

    def objective_factor(self, batch: int) -> float:
        """Published objective = factor · Σ_b elbo_b."""
        reduction = {"sum": 1.0, "mean": 1 / batch, "N/M": DATA_COUNT / batch}[self.notation.objective.data]
        return -self.objective_sign() * reduction

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
        """A published quantity as its role's canonical tensor, float64; a `sample` axis may lead either."""
        role = ROLES[symbol.role]
        axes = self.image_axes(symbol)
        if array.ndim == len(axes) + 1:  # stacked over the draws by the harness
            axes = (("sample",), *axes)
        # Widened first, so that a conversion adds no rounding of its own.
        array = array.astype(np.float64)
        if symbol.scale is not None:
            with np.errstate(invalid="ignore", divide="ignore"):
                array = TO_LOG_VARIANCE[symbol.scale](array)
        if ("sample",) in axes and "sample" not in role.axes:
            array = array.mean(axis=axes.index(("sample",)))
            axes = tuple(axis for axis in axes if axis != ("sample",))
        return symbol.sign * self._layout(array, axes, _flat(role.axes, self.spec))


def _flat(axes: tuple[str, ...], spec: Spec) -> Axes:
    """Canonical axes; a convolutional network's data axis is an image in channel, height, width order."""
    image = ("channel", "height", "width")
    return tuple(image if axis == "data" and spec.network == "conv" else (axis,) for axis in axes)


def prepare(binding: Binding, cell: Cell, notation: Notation, module: ModuleType, problem: Problem) -> Subject:
    """Build the cell's model and give it the problem's weights."""
    maps = weight_maps(notation, cell.framework, problem.spec)
    model = binding.build(module, notation, problem.spec, maps, cell.dtype)
    binding.put_weights(model, published_weights(maps, problem.weights, base_dtype(cell.dtype)))
    return Subject(binding, notation, problem.spec, model, maps, cell.dtype, cell.mode)


@dataclass(frozen=True)
class Outcome:
    """What a cell computed.

    Attributes:
        tensors: canonical name → float64 array; gradients as `gradient/<weight>`; the published objective, brought
            back to Σ_b elbo_b by its declared sense and reduction, as `objective`.
        graphs: what was compiled, if anything was.
        device, dtype: of the tensors that came out, as the framework says.
    """

    tensors: dict[str, Array]
    graphs: Graphs | None
    device: str
    dtype: str


def evaluate(subject: Subject, problem: Problem, *, gradients: bool) -> Outcome:
    """All quantities that the source defines, its objective, and the gradients of the summed ELBO.

    A source that writes one draw of noise is called once per draw and averaged.
    """
    binding, spec = subject.binding, subject.spec
    symbols = {s.quantity: s for s in subject.notation.computed(spec) if s.quantity and ROLES[s.role].tensor}
    elbo = subject.notation.symbol("elbo", spec)
    assert elbo is not None and elbo.quantity is not None
    quantities, objective = subject.method("quantities"), subject.objective()

    def measured(x: Any, noise: Any) -> dict[str, Any]:
        outputs = dict(quantities(x, noise))
        outputs[""] = elbo.sign * binding.total(outputs[elbo.quantity])
        outputs[OBJECTIVE] = objective(x, noise)
        return outputs

    if gradients:
        function = binding.with_gradients(subject.model, measured, subject.paths, subject.mode)
    else:
        forward = binding.forward(subject.model, measured, subject.mode)
        function = partial(_without_gradients, forward)
    draws = [problem.noise] if "sample" in subject.notation.noise_axes else list(problem.noise)
    x = subject.data(problem.x)
    found: list[dict[str, Array]] = []
    slopes: list[dict[str, Array]] = []
    device = dtype = ""
    for draw in draws:
        outputs, by_path = function(x, binding.tensor(draw, subject.dtype))
        missing = [name for name in symbols if name not in outputs]
        if missing:
            raise KeyError(f"quantities lack {', '.join(missing)}, which notation.toml declares")
        device, dtype = binding.where(outputs[""])
        found.append({name: binding.array(outputs[name]) for name in (*symbols, OBJECTIVE)})
        slopes.append({path: binding.array(gradient) for path, gradient in by_path.items()})
    tensors: dict[str, Array] = {}
    for name, symbol in symbols.items():
        array = (
            np.stack([f[name] for f in found]) if len(draws) > 1 or _lacks_sample(subject, symbol) else found[0][name]
        )
        tensors[str(ROLES[symbol.role].tensor)] = subject.canonical(symbol, array)
    batch = problem.x.shape[0]
    published = np.mean([f[OBJECTIVE].astype(np.float64) for f in found])
    tensors[OBJECTIVE] = np.asarray(published / subject.objective_factor(batch))
    if gradients:
        mean = {path: np.mean([s[path].astype(np.float64) for s in slopes], axis=0) for path in subject.paths}
        for canonical, weight_map in subject.maps.items():
            tensors[f"gradient/{canonical}"] = weight_map.gradient_to_canonical(mean[weight_map.path])
    return Outcome(tensors, binding.graphs(function), device, dtype)


def _without_gradients(forward: Any, *tensors: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return forward(*tensors), {}


def _lacks_sample(subject: Subject, symbol: Symbol) -> bool:
    """Whether the source writes one draw where the canonical tensor has an axis for draws."""
    return "sample" in ROLES[symbol.role].axes and "sample" not in symbol.axes
