"""Keras on torch: eager."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
import torch

from .base import Array, Binding, Forward, Graphs, Model, Tensor, variable_at
from .keras import KerasBinding, KerasTraining
from .on_torch import OnTorch, gradients_by_path
from .training import Optimizer, Training


class KerasTorchBinding(KerasBinding, OnTorch):
    """torch.autograd over Keras variables."""

    backend = "keras-torch"

    def __init__(self, device: str):
        super().__init__(device)
        # Not `cpu:0`: torch takes that for another device than `cpu`, and Keras' variables would become copies.
        self.keras_device = "gpu" if device == "cuda" else device

    def versions(self) -> dict[str, str]:
        return {"keras": keras.__version__, "torch": torch.__version__}

    def place(self, tensor: Tensor) -> tuple[str, str]:
        return OnTorch.where(self, tensor)

    def array(self, tensor: Tensor) -> Array:
        if isinstance(tensor, np.ndarray):  # what `predict` returned
            return tensor
        tensor = tensor.value if isinstance(tensor, keras.Variable) else tensor
        return tensor.detach().cpu().numpy()  # type: ignore[no-any-return]  # torch types numpy() loosely

    def seed(self, seed: int) -> None:
        torch.manual_seed(seed)

    def minibatches(self, adapter: Any) -> Iterable[Any]:
        return adapter.get_torch_dataloader()  # type: ignore[no-any-return]  # Keras has no type information

    def forward(self, model: Model, function: Forward, mode: str) -> Forward:
        @torch.inference_mode()
        def call(*tensors: Tensor) -> Any:
            with self.scope():
                return function(*tensors)

        return call

    def with_gradients(
        self, model: Model, function: Forward, paths: list[str], mode: str
    ) -> Callable[..., tuple[dict[str, Tensor], dict[str, Tensor]]]:
        variables = [variable_at(model, path).value for path in paths]

        def call(*tensors: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
            with self.scope():
                outputs = function(*tensors)
            return outputs, gradients_by_path(outputs[""], variables, paths)

        return call

    def training(
        self, model: Model, objective: Forward, sign: int, paths: list[str], optimizer: Optimizer, mode: str
    ) -> Training:
        return KerasTorchTraining(self, model, objective, sign, paths, optimizer)

    def graphs(self, function: Any) -> Graphs | None:
        return None


class KerasTorchTraining(KerasTraining):
    """backward() and a Keras optimiser."""

    def __init__(
        self,
        binding: KerasTorchBinding,
        model: Model,
        objective: Forward,
        sign: int,
        paths: list[str],
        rule: Optimizer,
    ):
        super().__init__(binding, model, paths, rule)
        self.objective, self.sign = objective, sign

    def step(self, x: Tensor, noise: Tensor) -> Tensor:
        variables = list(self.variables.values())
        with self.binding.scope():
            value = self.objective(x, noise)
            gradients = torch.autograd.grad(self.sign * value, [v.value for v in variables])
            with torch.no_grad():
                self.optimizer.apply(list(gradients), variables)
        return value.detach()


def open_binding(device: str) -> Binding:
    """The Keras-on-torch binding on `device`."""
    return KerasTorchBinding(device)
