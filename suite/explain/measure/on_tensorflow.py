"""How is a loss on TensorFlow tensors called? This includes losses of Keras on TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from ..dictionary.formula import Array
from .called import Adapter


class TensorflowLoss(Adapter):
    """A loss of TensorFlow tensors, in float64, executed eagerly."""

    name = "tensorflow"

    def tensor(self, value: Array) -> Any:
        return tf.convert_to_tensor(value)

    def seed(self, seed: int) -> None:
        super().seed(seed)
        tf.random.set_seed(seed)

    def key(self, seed: int) -> Any:
        return tf.random.Generator.from_seed(seed)

    def cast(self, tensor: Any, dtype: str) -> Any:
        return tf.cast(tensor, dtype)

    def array(self, value: Any) -> Array | None:
        if isinstance(value, tf.Tensor | tf.Variable):
            return np.asarray(value.numpy())
        return np.asarray(value) if isinstance(value, int | float | np.ndarray | np.generic) else None

    def gradients(self, arguments: Mapping[str, Any], total: tuple[str, ...]) -> dict[str, Any] | None:
        tensors = {name: self.converted(value) for name, value in arguments.items()}
        leaves = [
            (name, leaf)
            for name, value in tensors.items()
            for leaf in (value if isinstance(value, list) else [value])
            if isinstance(leaf, tf.Tensor) and leaf.dtype.is_floating
        ]
        with tf.GradientTape() as tape:
            tape.watch([leaf for _, leaf in leaves])
            terms = self.called(tensors)
            value = tf.add_n([tf.reduce_sum(terms[name]) for name in total])
        slopes = tape.gradient(value, [leaf for _, leaf in leaves], unconnected_gradients=tf.UnconnectedGradients.ZERO)
        found: dict[str, Any] = {}
        for (name, _), slope in zip(leaves, slopes, strict=True):
            found.setdefault(name, []).append(np.asarray(tf.convert_to_tensor(slope)))
        return found
