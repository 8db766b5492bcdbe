"""What executes on torch, whichever framework wrote the model: devices, waiting, gradients, the library's own rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ..backends import base_dtype
from .base import Array, Binding, Rows, Slopes, Tensor

COSTLIEST = 10
"""Operations in the table beside a trace."""


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

    def product(self, a: Array, b: Array, dtype: str) -> dict[str, Callable[[], Tensor]]:
        x, y = self._native(a, dtype), self._native(b, dtype)
        out = torch.empty(x.shape[0], y.shape[1], dtype=x.dtype, device=x.device)
        if dtype == "tf32":
            return {"mm": lambda: _with_tf32(x, y, out)} if self.device == "cuda" else {}
        routes: dict[str, Callable[[], Tensor]] = {"mm": lambda: torch.mm(x, y, out=out)}
        one_dnn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        # Packing bfloat16 raises on a processor that has no instructions for it.
        packs = dtype == "float32" or (dtype == "bfloat16" and torch.ops.mkldnn._is_mkldnn_bf16_supported())
        if one_dnn and self.device == "cpu" and packs:
            # What torch.compile with freezing calls: weights packed once, for this number of rows.
            packed = torch.ops.mkldnn._reorder_linear_weight(y.t().contiguous(), x.shape[0])
            multiply = torch.ops.mkldnn._linear_pointwise
            routes["oneDNN"] = lambda: multiply(x, packed, None, "none", [], "")
        return routes

    def read(self, vector: Array, dtype: str) -> dict[str, Callable[[], Tensor]]:
        x = self._native(vector, dtype)
        return {"sum": lambda: torch.sum(x), "dot": lambda: torch.dot(x, x)}

    def copy(self, vector: Array) -> Callable[[], Tensor]:
        x = torch.from_numpy(vector).to(self.device)
        out = torch.empty_like(x)
        return lambda: out.copy_(x)

    def reset_peak_memory(self) -> None:
        if self.device == "cuda":
            torch.cuda.reset_peak_memory_stats()

    def peak_memory_bytes(self) -> int | None:
        return torch.cuda.max_memory_allocated() if self.device == "cuda" else None

    def profile(self, call: Callable[[], Any], calls: int, folder: Path) -> None:
        activities = [torch.profiler.ProfilerActivity.CPU]
        activities += [torch.profiler.ProfilerActivity.CUDA] if self.device == "cuda" else []
        with torch.profiler.profile(activities=activities) as profiler:
            for _ in range(calls):
                with torch.profiler.record_function("call"):
                    call()
        profiler.export_chrome_trace(str(folder / "trace.json"))
        by = "self_device_time_total" if self.device == "cuda" else "self_cpu_time_total"
        table = profiler.key_averages().table(sort_by=by, row_limit=COSTLIEST)
        (folder / "operations.txt").write_text(table, encoding="utf-8")

    def _native(self, array: Array, dtype: str) -> Tensor:
        """An array in torch's own dtype of that name."""
        native = torch.bfloat16 if dtype == "bfloat16" else getattr(torch, base_dtype(dtype))
        return torch.from_numpy(array).to(self.device, native)

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


def _with_tf32(a: Tensor, b: Tensor, out: Tensor) -> Tensor:
    allowed = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        return torch.mm(a, b, out=out)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = allowed


def gradients_by_path(total: Tensor, variables: Sequence[Tensor], paths: Sequence[str]) -> dict[str, Tensor]:
    """Gradients of a scalar by attribute path; zero where it does not depend on a variable."""
    if not total.requires_grad:  # it depends on none of them, which autograd takes for a mistake
        return {path: torch.zeros_like(variable) for path, variable in zip(paths, variables, strict=True)}
    gradients = torch.autograd.grad(total, variables, allow_unused=True)
    return {
        path: torch.zeros_like(variable) if gradient is None else gradient
        for path, variable, gradient in zip(paths, variables, gradients, strict=True)
    }
