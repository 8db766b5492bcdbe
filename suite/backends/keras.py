"""The code that the three Keras backends share: models, variables, dtypes, and float64 without Keras' demotion."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any

import keras
import numpy as np
from keras.src.backend.common import dtypes as keras_dtypes
from keras.src.backend.common import global_state

from .base import Array, Binding, Forward, Model, Tensor
from .table import base_dtype

# Keras 3.15 demotes float64 to float32 inside its operations on the torch and JAX backends, by this private table
# (https://github.com/keras-team/keras/issues/23704). A float64 proof on those backends needs the entry lifted; the
# dtype `float64-as-shipped` runs without the lift, so that the report shows what Keras itself computes.
_TABLE: dict[str, str] = keras_dtypes.BIT64_TO_BIT32_DTYPE
_SHIPPED = dict(_TABLE)
#: The attributes in which Keras keeps the open scopes of a thread.
_SCOPES = (
    *("autocast_scope", "custom_objects_scope_dict", "distribution", "name_scope_stack", "remat_scope_stack"),
    *("stateless_scope", "symbolic_scope", "torch_device"),
)


class KerasBinding(Binding):
    """Drives a keras.Model; sub-classes add what differs between backends: compiling, gradients, waiting."""

    framework = "keras"

    def __init__(self, device: str):
        super().__init__(device)
        self.keras_device = "gpu:0" if device == "cuda" else "cpu:0"

    def scope(self) -> AbstractContextManager[Any]:
        """Where new tensors live."""
        return keras.device(self.keras_device)  # type: ignore[no-any-return]  # Keras has no type information

    def active_backend(self) -> str:
        return f"keras-{keras.backend.backend()}"

    def state(self) -> dict[str, Any]:
        # Its dtypes and the table that demotes are no part of it: `construct` sets them for each model.
        tracked = vars(global_state.GLOBAL_STATE_TRACKER)
        return {
            "Keras' epsilon": keras.config.epsilon(),
            "Keras' layout of images": keras.config.image_data_format(),
            "Keras' custom objects": len(keras.saving.get_custom_objects()),
            "Keras' open scopes": tuple(name for name in _SCOPES if tracked.get(name)),
            "Keras' tracking": tracked.get("tracking_on", True),
        }

    def public_modules(self) -> Iterable[ModuleType]:
        return [
            keras,
            keras.ops,
            keras.layers,
            keras.activations,
            keras.losses,
            keras.random,
            keras.initializers,
            keras.optimizers,
            keras.src.ops,
            keras.src.ops.numpy,
            keras.src.ops.nn,
            keras.src.backend,
            keras.src.backend.numpy,
            keras.src.backend.nn,
            keras.src.backend.core,
            keras.src.backend.random,
        ]

    def total(self, tensor: Tensor) -> Tensor:
        return keras.ops.sum(tensor)

    def construct(self, model_class: type, arguments: Mapping[str, Any], dtype: str) -> Model:
        self.prepare(dtype)
        keras.config.set_floatx(base_dtype(dtype))
        keras.config.set_dtype_policy(base_dtype(dtype))
        with self.scope():
            return model_class(**arguments)

    def prepare(self, dtype: str) -> None:
        """Lift or restore the table that demotes float64."""
        lift_float64(dtype == "float64")

    def variables(self, model: Model) -> list[Any]:
        return list(model.trainable_variables)

    def assign(self, variable: Any, value: Array) -> None:
        variable.assign(value)

    def tensor(self, array: Array, dtype: str) -> Tensor:
        with self.scope():
            return keras.ops.convert_to_tensor(array, dtype=base_dtype(dtype))

    def array(self, tensor: Tensor) -> Array:
        if isinstance(tensor, np.ndarray):  # what `predict` returned
            return tensor
        # NumPy 2 warns of converting a variable.
        return self.on_host(tensor.value if isinstance(tensor, keras.Variable) else tensor)

    def on_host(self, tensor: Tensor) -> Array:
        """`array` of a tensor of the framework's own."""
        return keras.ops.convert_to_numpy(tensor)  # type: ignore[no-any-return]  # Keras has no type information

    def where(self, tensor: Tensor) -> tuple[str, str]:
        # An array is what `predict` copied to the host; it was computed where the model is.
        return (self.device, tensor.dtype.name) if isinstance(tensor, np.ndarray) else self.place(tensor)

    @abstractmethod
    def place(self, tensor: Tensor) -> tuple[str, str]:
        """`where` of a tensor of the framework's own."""


def lift_float64(lifted: bool = True) -> None:
    """Lift Keras' table that demotes float64, or restore it."""
    _TABLE["float64"] = "float64" if lifted else _SHIPPED["float64"]


def stateless(variables: list[Any], values: list[Tensor], function: Forward, *tensors: Tensor) -> Any:
    """`function(*tensors)` with the variables at `values`, as functional transformations need it."""
    with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
        return function(*tensors)
