"""What the adapters share: arguments by name, and the terms of whatever a loss returns."""

from __future__ import annotations

import dataclasses
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..dictionary.formula import Array
from ..lab import LossFailed


class Adapter(ABC):
    """A loss of one framework, called on NumPy values; a framework's adapter says what its tensors are.

    Args:
        function: the user's.
    """

    name: str

    def __init__(self, function: Callable[..., Any]):
        self.function = function

    @abstractmethod
    def tensor(self, value: Array) -> Any:
        """A framework's tensor of an array, in its dtype."""

    @abstractmethod
    def array(self, value: Any) -> Array | None:
        """The array of a tensor; None for what is no tensor."""

    @abstractmethod
    def gradients(self, arguments: Mapping[str, Any], total: tuple[str, ...]) -> dict[str, Any] | None:
        """Argument → gradient, as `lab.Called` says."""

    def converted(self, value: Any) -> Any:
        """An argument as the user's loss takes it."""
        if isinstance(value, list):
            return [self.tensor(entry) for entry in value]
        return self.tensor(value) if isinstance(value, np.ndarray) else value

    def called(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call the loss on converted arguments; its terms, as tensors, by name."""
        positional, named = [], dict(arguments)
        for name, parameter in inspect.signature(self.function).parameters.items():
            if parameter.kind is inspect.Parameter.POSITIONAL_ONLY and name in named:
                positional.append(named.pop(name))
        return dict(self._flat("", self.function(*positional, **named)))

    def terms(self, arguments: Mapping[str, Any]) -> dict[str, Array]:
        """What a call returns, as arrays.

        Raises:
            LossFailed: it raised, or returned no number.
        """
        try:
            terms = self.called({name: self.converted(value) for name, value in arguments.items()})
            found = {name: self.array(value) for name, value in terms.items()}
        except Exception as error:
            text = " ".join(str(error).split())[:300]
            raise LossFailed(f"{type(error).__name__}: {text}") from error
        numbers = {name: value for name, value in found.items() if value is not None}
        if not numbers:
            raise LossFailed("it returned no number")
        return numbers

    def _flat(self, name: str, value: Any) -> list[tuple[str, Any]]:
        """The numbers in what was returned, by key, place or attribute."""
        if isinstance(value, bool | str) or value is None:
            return []
        if isinstance(value, int | float | np.ndarray | np.generic) or self.array(value) is not None:
            return [(name or "return value", value)]
        if isinstance(value, Mapping):
            entries = [(str(key), entry) for key, entry in value.items()]
        elif hasattr(value, "_asdict"):
            entries = list(value._asdict().items())
        elif isinstance(value, tuple | list):
            entries = [(str(place), entry) for place, entry in enumerate(value)]
        elif dataclasses.is_dataclass(value) or hasattr(value, "__dict__"):
            entries = [(key, entry) for key, entry in vars(value).items() if not key.startswith("_")]
        else:
            return []
        return [found for key, entry in entries for found in self._flat(f"{name}.{key}" if name else key, entry)]
