"""Losses on torch tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from ..dictionary.formula import Array
from .called import Adapter

torch.set_default_dtype(torch.float64)


class TorchLoss(Adapter):
    """A loss of torch tensors, in float64."""

    name = "torch"

    def tensor(self, value: Array) -> Any:
        return torch.tensor(value)

    def array(self, value: Any) -> Array | None:
        if isinstance(value, torch.Tensor):
            return np.asarray(value.detach())
        return np.asarray(value) if isinstance(value, int | float | np.ndarray | np.generic) else None

    def gradients(self, arguments: Mapping[str, Any], total: tuple[str, ...]) -> dict[str, Any] | None:
        tensors = {name: self.converted(value) for name, value in arguments.items()}
        leaves = [
            (name, leaf)
            for name, value in tensors.items()
            for leaf in (value if isinstance(value, list) else [value])
            if isinstance(leaf, torch.Tensor) and leaf.is_floating_point()
        ]
        for _, leaf in leaves:
            leaf.requires_grad_()
        terms = self.called(tensors)
        value = sum((terms[name].sum() for name in total), torch.zeros(()))
        if not value.requires_grad:
            return {
                name: [np.zeros(tuple(leaf.shape)) for owner, leaf in leaves if owner == name] for name, _ in leaves
            }
        slopes = torch.autograd.grad(value, [leaf for _, leaf in leaves], allow_unused=True)
        found: dict[str, Any] = {}
        for (name, leaf), slope in zip(leaves, slopes, strict=True):
            array = np.zeros(tuple(leaf.shape)) if slope is None else np.asarray(slope)
            found.setdefault(name, []).append(array)
        return found
