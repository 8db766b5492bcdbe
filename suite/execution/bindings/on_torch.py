"""What executes on torch, whichever framework wrote the model: devices, waiting, gradients, the library's own rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from .base import Array, Binding, Rows, Slopes, Tensor


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

    def product(self, a: Tensor, b: Tensor) -> Callable[[], Tensor]:
        out = torch.empty(a.shape[0], b.shape[1], dtype=a.dtype, device=a.device)
        return lambda: torch.mm(a, b, out=out)

    def read(self, vector: Tensor) -> Callable[[], Tensor]:
        return lambda: torch.sum(vector)

    def slopes(self, function: Rows, *, gradients: bool) -> Callable[[Mapping[str, Array], Sequence[Array]], Slopes]:
        def call(weights: Mapping[str, Array], arrays: Sequence[Array]) -> Slopes:
            leaves = {name: self.tensor(weight, "float64").requires_grad_() for name, weight in weights.items()}
            rows = function(leaves, [self.tensor(array, "float64") for array in arrays])
            found: list[dict[str, Array]] = []
            for row in rows if gradients else ():
                # a row that no weight enters has no graph at all
                row = row if row.requires_grad else row + 0 * next(iter(leaves.values())).sum()
                by_name = torch.autograd.grad(row, list(leaves.values()), retain_graph=True, allow_unused=True)
                found.append(
                    {
                        name: self.array(torch.zeros_like(leaf) if slope is None else slope)
                        for (name, leaf), slope in zip(leaves.items(), by_name, strict=True)
                    }
                )
            return [self.array(row.detach()) for row in rows], found

        return call


def gradients_by_path(total: Tensor, variables: Sequence[Tensor], paths: Sequence[str]) -> dict[str, Tensor]:
    """Gradients of a scalar by attribute path; zero where it does not depend on a variable."""
    if not total.requires_grad:  # it depends on none of them, which autograd takes for a mistake
        return {path: torch.zeros_like(variable) for path, variable in zip(paths, variables, strict=True)}
    gradients = torch.autograd.grad(total, variables, allow_unused=True)
    return {
        path: torch.zeros_like(variable) if gradient is None else gradient
        for path, variable, gradient in zip(paths, variables, gradients, strict=True)
    }
