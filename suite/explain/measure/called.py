"""How is a loss of any framework called? The common part of the adapters: arguments and returned numbers by name."""

from __future__ import annotations

import dataclasses
import inspect
import random
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from ..binding import KEY
from ..dictionary.formula import Array
from ..lab import Float64, LossFailed
from .guard import failure, watched


class Adapter(Float64, ABC):
    """A loss of one framework, called with NumPy values; a subclass converts between arrays and tensors.

    Args:
        function: the user's loss.

    Attributes:
        in_place: the names of arguments that a call has changed in place.
        draw_seed: the seed of the values that the loss draws itself; None if they differ from call to call.
    """

    name: str
    draw_seed: int | None = None

    def __init__(self, function: Callable[..., Any]):
        self.function = function
        self.in_place: set[str] = set()

    @abstractmethod
    def tensor(self, value: Array) -> Any:
        """The framework's tensor of an array, in the array's dtype."""

    @abstractmethod
    def array(self, value: Any) -> Array | None:
        """The array of a tensor or a number; None for other values."""

    def is_tensor(self, value: Any) -> bool:
        """Whether a value is a tensor of the framework."""
        return self.array(value) is not None

    @abstractmethod
    def gradients(self, arguments: Mapping[str, Any], total: tuple[str, ...]) -> dict[str, Any] | None:
        """Argument → gradients, as in `lab.Called`."""

    @abstractmethod
    def cast(self, tensor: Any, dtype: str) -> Any:
        """A tensor cast to a dtype, such as "float16"."""

    def hold(self, seed: int) -> None:
        """Draw the values of this seed in every later call."""
        self.draw_seed = seed

    def seed(self, seed: int) -> None:
        """Seed the global generators that a loss may draw from."""
        random.seed(seed)
        np.random.seed(seed)
        if "keras" in sys.modules:
            sys.modules["keras"].utils.set_random_seed(seed)

    def key(self, seed: int) -> Any:
        """What an argument takes that is drawn from."""
        return np.random.default_rng(seed)

    def has(self, dtype: str) -> bool:
        """Whether the framework has a dtype."""
        return True

    def rounded(self, value: Array, dtype: str) -> Array:
        """Real values rounded to a dtype, as float64; other values unchanged."""
        if value.dtype != np.float64:
            return value
        array = self.array(self.cast(self.cast(self.tensor(value), dtype), "float64"))
        assert array is not None
        return array

    def converted(self, value: Any) -> Any:
        """An argument with tensors in place of arrays, in the dtype in use, and a key in place of `KEY`."""
        if value is KEY:
            return self.key(self.draw_seed or 0)
        if isinstance(value, list):
            return [self.converted(entry) for entry in value]
        if not isinstance(value, np.ndarray):
            return value
        tensor = self.tensor(value)
        return self.cast(tensor, self.dtype) if self.dtype != "float64" and value.dtype == np.float64 else tensor

    @cached_property
    def _positional(self) -> list[str]:
        """The names of positional-only arguments."""
        parameters = inspect.signature(self.function).parameters.values()
        return [p.name for p in parameters if p.kind is inspect.Parameter.POSITIONAL_ONLY]

    def called(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call the loss with converted arguments; name → number or tensor that it returns."""
        if self.draw_seed is not None:
            self.seed(self.draw_seed)
        named = dict(arguments)
        positional = [named.pop(name) for name in self._positional if name in named]
        return dict(self._flat("", self.function(*positional, **named)))

    def terms(self, arguments: Mapping[str, Any]) -> dict[str, Array]:
        """Name → number or array, of all that a call returns.

        Raises:
            LossFailed: the loss raised, or returned no number.
        """
        given = {
            name: self.converted(value.copy() if isinstance(value, np.ndarray) else value)
            for name, value in arguments.items()
        }
        try:
            with watched():
                terms = self.called(given)
            found = {name: self.array(value) for name, value in terms.items()}
        except Exception as error:
            raise LossFailed(failure(error)) from error
        for name, value in arguments.items() if self.dtype == "float64" else ():
            after = self.array(given[name]) if isinstance(value, np.ndarray) else None
            if after is not None and not np.array_equal(value, after, equal_nan=True):
                self.in_place.add(name)
        numbers = {name: value for name, value in found.items() if value is not None}
        if not numbers:
            raise LossFailed("it returned no number")
        return numbers

    def _flat(self, name: str, value: Any) -> list[tuple[str, Any]]:
        """The numbers and tensors in a returned value, named by key, index or attribute."""
        if isinstance(value, bool | str) or value is None:
            return []
        if isinstance(value, int | float | np.ndarray | np.generic) or self.is_tensor(value):
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
