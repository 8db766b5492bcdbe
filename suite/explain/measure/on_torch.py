"""How is a loss on torch tensors called? This includes losses of Keras on torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from ..dictionary.formula import Array
from .called import Adapter

torch.set_default_dtype(torch.float64)


@contextmanager
def in_fewer_digits() -> Iterator[None]:
    """Make float32 torch's default dtype inside the context, as in training in float32 or below."""
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float64)


class TorchLoss(Adapter):
    """A loss of torch tensors, in float64."""

    name = "torch"

    def tensor(self, value: Array) -> Any:
        return torch.tensor(value)

    def seed(self, seed: int) -> None:
        super().seed(seed)
        torch.manual_seed(seed)

    def key(self, seed: int) -> Any:
        return torch.Generator().manual_seed(seed)

    def cast(self, tensor: Any, dtype: str) -> Any:
        return tensor.to(getattr(torch, dtype))

    @contextmanager
    def working_in(self, dtype: str) -> Iterator[None]:
        with super().working_in(dtype), in_fewer_digits():
            yield

    def array(self, value: Any) -> Array | None:
        if isinstance(value, torch.Tensor):
            value = value.detach()
            return np.asarray(value.double() if value.dtype == torch.bfloat16 else value)
        return np.asarray(value) if isinstance(value, int | float | np.ndarray | np.generic) else None

    def gradients(self, arguments: Mapping[str, Any], total: tuple[str, ...]) -> dict[str, Any] | None:
        tensors = {name: self.converted(value) for name, value in arguments.items()}
        leaves = [
            (name, leaf)
            for name, value in tensors.items()
            for leaf in (value if isinstance(value, list) else [value])
            if isinstance(leaf, torch.Tensor) and leaf.is_floating_point() and not _is_constant(arguments[name])
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


def _is_constant(value: Any) -> bool:
    """Whether an argument is a number passed as a tensor: a read-only array, of which no gradient is taken."""
    return isinstance(value, np.ndarray) and not value.flags.writeable
