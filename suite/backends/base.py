"""The interface of every binding; the rest of the harness uses no other part of a framework."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from types import ModuleType
from typing import Any

from numpy.typing import NDArray

from ..notations.notation import Notation
from ..notations.weight_maps import WeightMap
from ..reference.spec import Spec

Array = NDArray[Any]
Tensor = Any
Model = Any
Forward = Callable[..., Any]
Outputs = dict[str, Tensor]
WithGradients = Callable[..., tuple[Outputs, Outputs]]


@dataclass(frozen=True)
class Graphs:
    """The result of a compiler: graphs, the breaks between them, and compilations beyond the first."""

    graphs: int
    breaks: int
    recompiles: int


class Binding(ABC):
    """One backend on one device.

    Args:
        device: `cpu` or `cuda`.
    """

    backend: str
    framework: str

    def __init__(self, device: str):
        self.device = device

    # The active backend, device and threads

    @abstractmethod
    def versions(self) -> dict[str, str]:
        """Versions of the packages that execute."""

    @abstractmethod
    def threads(self) -> int:
        """How many threads one operation may use."""

    @abstractmethod
    def has_device(self) -> bool:
        """Whether the framework sees the device."""

    @abstractmethod
    def where(self, tensor: Tensor) -> tuple[str, str]:
        """(device, dtype) of a tensor, as the framework itself says."""

    def active_backend(self) -> str:
        """The backend that really executes."""
        return self.backend

    # What one implementation may leave behind for the next

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """The settings of the process that change the framework's results, by name."""

    @abstractmethod
    def public_modules(self) -> Iterable[ModuleType]:
        """The modules whose functions implementations call."""

    def public_classes(self) -> Iterator[type]:
        """The classes that those modules show."""
        for module in self.public_modules():
            yield from (value for value in vars(module).values() if isinstance(value, type))

    # Tensors and weights

    @abstractmethod
    def tensor(self, array: Array, dtype: str) -> Tensor:
        """An array as a tensor of `dtype` on the device."""

    @abstractmethod
    def array(self, tensor: Tensor) -> Array:
        """A tensor as a NumPy array of the same dtype, waiting for it."""

    @abstractmethod
    def total(self, tensor: Tensor) -> Tensor:
        """The sum of all elements, differentiable."""

    @abstractmethod
    def construct(self, model_class: type, arguments: Mapping[str, Any], dtype: str) -> Model:
        """A model of `dtype` on the device."""

    @abstractmethod
    def assign(self, variable: Any, value: Array) -> None:
        """Set the value of a weight."""

    @abstractmethod
    def synchronize(self, outputs: Any) -> None:
        """Wait until the device has finished `outputs`."""

    # Execution

    @abstractmethod
    def forward(self, model: Model, function: Forward, mode: str) -> Forward:
        """`function(*tensors)` without gradients, in a mode."""

    @abstractmethod
    def with_gradients(self, model: Model, function: Forward, paths: list[str], mode: str) -> WithGradients:
        """A function that returns `function`'s dictionary and the gradients of its entry '' by attribute path."""

    def graphs(self, function: Any) -> Graphs | None:
        """What was compiled for a function of `forward`, `with_gradients` or a training stage; None if nothing was."""
        return None

    # Shared by all bindings

    def build(
        self, module: ModuleType, notation: Notation, spec: Spec, maps: Mapping[str, WeightMap], dtype: str
    ) -> Model:
        """A model of a notation for a specification; its weights are the framework's random ones.

        Raises:
            ValueError: the model's weights are not those of the weights table.
        """
        model = self.construct(getattr(module, notation.model_class), notation.model_arguments(spec), dtype)
        self.match(model, notation, maps)
        return model

    def match(self, model: Model, notation: Notation, maps: Mapping[str, WeightMap]) -> None:
        """Check a model's weights against the weights table.

        Raises:
            ValueError: they differ from the table's.
        """
        listed = {id(variable_at(model, m.path)) for m in maps.values()}
        own = {id(variable) for variable in self.variables(model)}
        if listed != own:
            raise ValueError(
                f"{notation.id}: the model has {len(own)} weights, its weights table names {len(listed & own)}"
            )

    @abstractmethod
    def variables(self, model: Model) -> list[Any]:
        """All trainable weights of a model."""

    def put_weights(self, model: Model, weights: Mapping[str, Array]) -> None:
        """Give the model the weights by attribute path.

        Raises:
            ValueError: a weight's shape is not the model's.
        """
        for path, value in weights.items():
            variable = variable_at(model, path)
            if tuple(variable.shape) != value.shape:
                raise ValueError(f"{path}: the model has shape {tuple(variable.shape)}, the map gives {value.shape}")
            self.assign(variable, value)

    def get_weights(self, model: Model, paths: list[str]) -> dict[str, Array]:
        """The model's weights by attribute path."""
        return {path: self.array(variable_at(model, path)) for path in paths}


def variable_at(model: Model, path: str) -> Any:
    """The attribute at a path such as `encoder.layers.0.kernel`; whole numbers index lists."""
    return reduce(lambda node, name: node[int(name)] if name.isdigit() else getattr(node, name), path.split("."), model)


def cpu_count() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0))
