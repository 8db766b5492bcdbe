"""torch: eager, or compiled by torch.compile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from .base import Array, Forward, Graphs, Model, Tensor
from .on_torch import OnTorch
from .table import base_dtype


class TorchBinding(OnTorch):
    """Drives a torch.nn.Module."""

    backend = "torch"
    framework = "torch"

    def __init__(self, device: str):
        super().__init__(device)
        self.torch_device = torch.device(device)
        self.compiled = False

    def versions(self) -> dict[str, str]:
        return {"torch": torch.__version__}

    def tensor(self, array: Array, dtype: str) -> Tensor:
        return torch.tensor(array, dtype=getattr(torch, base_dtype(dtype)), device=self.torch_device)

    def array(self, tensor: Tensor) -> Array:
        tensor = tensor.detach().cpu()
        # NumPy has no bfloat16; float32 holds its values as they are
        tensor = tensor.float() if tensor.dtype == torch.bfloat16 else tensor
        return tensor.numpy()  # type: ignore[no-any-return]  # torch types numpy() loosely

    def total(self, tensor: Tensor) -> Tensor:
        return tensor.sum()

    def construct(self, model_class: type, arguments: Mapping[str, Any], dtype: str) -> Model:
        model: torch.nn.Module = model_class(**arguments)
        return model.to(device=self.torch_device, dtype=getattr(torch, base_dtype(dtype)))

    def variables(self, model: Model) -> list[Any]:
        return [parameter for parameter in model.parameters() if parameter.requires_grad]

    def assign(self, variable: Any, value: Array) -> None:
        with torch.no_grad():
            variable.copy_(torch.from_numpy(value.copy()))

    def called(self, function: Forward, mode: str) -> Forward:
        return self.compile(function, enabled=mode == "compiled")

    def graphs(self, function: Any) -> Graphs | None:
        if not self.compiled:
            return None
        counters = torch._dynamo.utils.counters
        graphs = counters["stats"]["unique_graphs"]
        if not graphs:
            return None
        breaks = sum(counters["graph_break"].values())
        return Graphs(graphs, breaks, max(0, graphs - breaks - 1))

    def compile(self, function: Forward, *, enabled: bool = True, mode: str | None = None) -> Forward:
        """`function`, by torch.compile in one of its modes if `enabled`."""
        # The counters are the process's own: `graphs` asks for those of the function that was made last.
        self.compiled = enabled
        if not enabled:
            return function
        # Each cell starts from an empty compiler, so that its graphs are counted and its first call is a cold one.
        torch.compiler.reset()
        torch._dynamo.utils.counters.clear()
        return torch.compile(function, dynamic=False, mode=mode)
