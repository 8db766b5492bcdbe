"""How is a loss on NumPy arrays called? It has no gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..dictionary.formula import Array
from .called import Adapter


class NumpyLoss(Adapter):
    """A loss of NumPy arrays, in float64."""

    name = "numpy"

    def tensor(self, value: Array) -> Any:
        return value

    def cast(self, tensor: Any, dtype: str) -> Any:
        return tensor.astype(dtype)

    def has(self, dtype: str) -> bool:
        return dtype != "bfloat16"

    def array(self, value: Any) -> Array | None:
        return np.asarray(value) if isinstance(value, np.ndarray | np.generic | int | float) else None

    def gradients(self, arguments: Mapping[str, Any], total: tuple[str, ...]) -> dict[str, Any] | None:
        return None
