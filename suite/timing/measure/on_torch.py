"""Timing of torch: backward() and a torch optimiser, and the rates of torch's products."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from ...backends.base import Array, Forward, Tensor, variable_at
from ...backends.pytorch import TorchBinding
from ...workers.subject import Subject
from .device import TimingDevice, native_dtype
from .training import ADAM, Optimizer, Training

COSTLIEST = 10
"""Operations in the table beside a trace."""


class TorchRates(TimingDevice):
    """The rates, the memory and the profiler of torch, for models of torch and of Keras."""

    def product(self, a: Array, b: Array, dtype: str) -> dict[str, Callable[[], Tensor]]:
        x, y = self._native(a, dtype), self._native(b, dtype)
        out = torch.empty(x.shape[0], y.shape[1], dtype=x.dtype, device=x.device)
        if dtype == "tf32":
            return {"mm": lambda: _with_tf32(x, y, out)} if self.binding.device == "cuda" else {}
        routes: dict[str, Callable[[], Tensor]] = {"mm": lambda: torch.mm(x, y, out=out)}
        one_dnn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        # Packing bfloat16 raises on a processor that has no instructions for it.
        packs = dtype == "float32" or (dtype == "bfloat16" and torch.ops.mkldnn._is_mkldnn_bf16_supported())
        if one_dnn and self.binding.device == "cpu" and packs:
            # The operator that torch.compile with freezing calls: weights packed once, for this number of rows.
            packed = torch.ops.mkldnn._reorder_linear_weight(y.t().contiguous(), x.shape[0])
            multiply = torch.ops.mkldnn._linear_pointwise
            routes["oneDNN"] = lambda: multiply(x, packed, None, "none", [], "")
        return routes

    def read(self, vector: Array, dtype: str) -> dict[str, Callable[[], Tensor]]:
        x = self._native(vector, dtype)
        return {"sum": lambda: torch.sum(x), "dot": lambda: torch.dot(x, x)}

    def reset_peak_memory(self) -> None:
        if self.binding.device == "cuda":
            torch.cuda.reset_peak_memory_stats()

    def peak_memory_bytes(self) -> int | None:
        return torch.cuda.max_memory_allocated() if self.binding.device == "cuda" else None

    def profile(self, call: Callable[[], Any], calls: int, folder: Path) -> None:
        activities = [torch.profiler.ProfilerActivity.CPU]
        activities += [torch.profiler.ProfilerActivity.CUDA] if self.binding.device == "cuda" else []
        with torch.profiler.profile(activities=activities) as profiler:
            for _ in range(calls):
                with torch.profiler.record_function("call"):
                    call()
        profiler.export_chrome_trace(str(folder / "trace.json"))
        by = "self_device_time_total" if self.binding.device == "cuda" else "self_cpu_time_total"
        table = profiler.key_averages().table(sort_by=by, row_limit=COSTLIEST)
        (folder / "operations.txt").write_text(table, encoding="utf-8")

    def _native(self, array: Array, dtype: str) -> Tensor:
        """An array in torch's dtype of that name."""
        return torch.from_numpy(array).to(self.binding.device, getattr(torch, native_dtype(dtype)))


class TorchTiming(TorchRates):
    """The timing device of torch."""

    binding: TorchBinding
    adam_epsilon = 1e-8, True

    def training(
        self, subject: Subject, *, objective: Forward | None = None, rule: Optimizer = ADAM, mode: str = ""
    ) -> Training:
        compiled = (mode or subject.mode) == "compiled"
        function = self.binding.compile(objective or subject.objective(), enabled=compiled)
        return TorchTraining(self.binding, subject, function, rule)

    def start_compiler(self) -> None:
        self.binding.compile(lambda x: x + 1)(torch.ones(16, device=self.binding.torch_device))


class TorchTraining(Training):
    """backward() and a torch optimiser."""

    def __init__(self, binding: TorchBinding, subject: Subject, objective: Forward, rule: Optimizer):
        self.binding, self.objective, self.sign = binding, objective, subject.objective_sign()
        self.variables = {path: variable_at(subject.model, path) for path in subject.paths}
        parameters = list(self.variables.values())
        self.optimizer: torch.optim.Optimizer
        if rule.name == "adam":
            self.optimizer = torch.optim.Adam(parameters, lr=rule.learning_rate)
        else:
            self.optimizer = torch.optim.Adagrad(
                parameters, lr=rule.learning_rate, initial_accumulator_value=rule.accumulator, eps=0
            )

    def step(self, x: Tensor, noise: Tensor) -> Tensor:
        self.optimizer.zero_grad()
        value = self.objective(x, noise)
        (self.sign * value).backward()
        self.optimizer.step()
        return value.detach()

    def restore(self, weights: Mapping[str, Array]) -> None:
        for path, value in weights.items():
            self.binding.assign(self.variables[path], value)
        self.optimizer.state.clear()

    def weights(self) -> dict[str, Array]:
        return {path: self.binding.array(v).copy() for path, v in self.variables.items()}

    def first_moments(self) -> dict[str, Array]:
        return {path: self.binding.array(self.optimizer.state[v]["exp_avg"]) for path, v in self.variables.items()}


def _with_tf32(a: Tensor, b: Tensor, out: Tensor) -> Tensor:
    allowed = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        return torch.mm(a, b, out=out)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = allowed


open_timing = TorchTiming
