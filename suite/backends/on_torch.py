"""What executes on torch, whichever framework wrote the model: devices, waiting, gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from .base import Binding, Tensor


class OnTorch(Binding):
    """The part of a binding that is torch's."""

    def threads(self) -> int:
        return torch.get_num_threads()

    def has_device(self) -> bool:
        return self.device == "cpu" or torch.cuda.is_available()

    def where(self, tensor: Tensor) -> tuple[str, str]:
        return tensor.device.type, str(tensor.dtype).removeprefix("torch.")

    def synchronize(self, outputs: Any) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()


def gradients_by_path(total: Tensor, variables: Sequence[Tensor], paths: Sequence[str]) -> dict[str, Tensor]:
    """Gradients of a scalar by attribute path; zero where it does not depend on a variable."""
    if not total.requires_grad:  # it depends on none of them, which autograd takes for a mistake
        return {path: torch.zeros_like(variable) for path, variable in zip(paths, variables, strict=True)}
    gradients = torch.autograd.grad(total, variables, allow_unused=True)
    return {
        path: torch.zeros_like(variable) if gradient is None else gradient
        for path, variable, gradient in zip(paths, variables, gradients, strict=True)
    }
