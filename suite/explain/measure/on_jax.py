"""How is a loss on JAX arrays called? This includes losses of Keras on JAX."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..dictionary.formula import Array
from .called import Adapter

jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]  # JAX's own


class JaxLoss(Adapter):
    """A loss of JAX arrays, in float64."""

    name = "jax"

    def tensor(self, value: Array) -> Any:
        return jnp.asarray(value)

    def key(self, seed: int) -> Any:
        return jax.random.PRNGKey(seed)

    def cast(self, tensor: Any, dtype: str) -> Any:
        return tensor.astype(dtype)

    def array(self, value: Any) -> Array | None:
        return np.asarray(value) if isinstance(value, jax.Array | int | float | np.ndarray | np.generic) else None

    def is_tensor(self, value: Any) -> bool:
        return isinstance(value, jax.Array)  # including traced arrays, which have no values

    def gradients(self, arguments: Mapping[str, Any], total: tuple[str, ...]) -> dict[str, Any] | None:
        converted = {name: self.converted(value) for name, value in arguments.items()}
        inputs = {
            name: value if isinstance(value, list) else [value]
            for name, value in converted.items()
            if isinstance(arguments[name], list)
            or (isinstance(arguments[name], np.ndarray) and arguments[name].dtype == np.float64)
        }

        def summed(leaves: dict[str, list[Any]]) -> Any:
            given = {name: value if isinstance(arguments[name], list) else value[0] for name, value in leaves.items()}
            terms = self.called({**converted, **given})
            return sum(jnp.sum(terms[name]) for name in total)

        return {name: [np.asarray(s) for s in slopes] for name, slopes in jax.grad(summed)(inputs).items()}
