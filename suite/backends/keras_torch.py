"""Keras on torch: eager."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any

import keras
import torch

from .base import Array, Forward, Model, Outputs, Tensor, WithGradients, variable_at
from .keras import KerasBinding
from .on_torch import OnTorch, gradients_by_path


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

    def forward(self, model: Model, function: Forward, mode: str) -> Forward:
        @torch.inference_mode()
        def call(*tensors: Tensor) -> Any:
            with self.scope():
                return function(*tensors)

        return call

    def with_gradients(self, model: Model, function: Forward, paths: list[str], mode: str) -> WithGradients:
        variables = [variable_at(model, path).value for path in paths]

        def call(*tensors: Tensor) -> tuple[Outputs, Outputs]:
            with self.scope():
                outputs = function(*tensors)
            return outputs, gradients_by_path(outputs[""], variables, paths)

        return call
