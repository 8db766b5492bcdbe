"""Keras on torch: eager."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any

import keras
import torch

from .base import Array, Forward, Tensor
from .keras import KerasBinding
from .on_torch import OnTorch


class KerasTorchBinding(KerasBinding, OnTorch):
    """torch.autograd over Keras variables."""

    backend = "keras-torch"

    def __init__(self, device: str):
        super().__init__(device)
        # Not `cpu:0`: torch takes that for another device than `cpu`, and Keras' variables would become copies.
        self.keras_device = "gpu" if device == "cuda" else device

    def state(self) -> dict[str, Any]:
        return KerasBinding.state(self) | OnTorch.state(self)

    def public_modules(self) -> Iterable[ModuleType]:
        return [*KerasBinding.public_modules(self), *OnTorch.public_modules(self)]

    def versions(self) -> dict[str, str]:
        return {"keras": keras.__version__, "torch": torch.__version__}

    def place(self, tensor: Tensor) -> tuple[str, str]:
        return OnTorch.where(self, tensor)

    def on_host(self, tensor: Tensor) -> Array:
        return tensor.detach().cpu().numpy()  # type: ignore[no-any-return]  # torch types numpy() loosely

    def called(self, function: Forward, mode: str) -> Forward:
        def call(*tensors: Tensor) -> Any:
            with self.scope():
                return function(*tensors)

        return call

    def parameter(self, variable: Any) -> Tensor:
        return variable.value
