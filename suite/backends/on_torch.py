"""The code for backends that execute on torch, with either framework's models: devices, waiting, gradients."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from types import ModuleType
from typing import Any

import torch

from .base import Binding, Forward, Model, Outputs, Tensor, WithGradients, variable_at

# MKL looks up the kernel of a vector function on its first call. Where two threads make that call at once, one of them
# may get a kernel of half the digits: https://github.com/pytorch/pytorch/issues/188792. One element has one thread.
for _name in ("exp", "expm1", "log", "log1p", "sqrt", "tanh", "erf", "lgamma"):
    for _dtype in (torch.float32, torch.float64):
        getattr(torch, _name)(torch.ones(1, dtype=_dtype, device="cpu"))


class OnTorch(Binding):
    """The part of a binding that torch executes."""

    def threads(self) -> int:
        return torch.get_num_threads()

    def has_device(self) -> bool:
        return self.device == "cpu" or torch.cuda.is_available()

    def state(self) -> dict[str, Any]:
        return torch_state()

    def public_modules(self) -> Iterable[ModuleType]:
        return [
            torch,
            torch.nn,
            torch.nn.functional,
            torch.nn.modules.module,
            torch.nn.init,
            torch.special,
            torch.linalg,
            torch.autograd,
            torch.optim,
            torch.distributions,
        ]

    def where(self, tensor: Tensor) -> tuple[str, str]:
        return tensor.device.type, str(tensor.dtype).removeprefix("torch.")

    def synchronize(self, outputs: Any) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()

    @abstractmethod
    def called(self, function: Forward, mode: str) -> Forward:
        """`function` as it is called in a mode."""

    def forward(self, model: Model, function: Forward, mode: str) -> Forward:
        return torch.inference_mode()(self.called(function, mode))

    def with_gradients(self, model: Model, function: Forward, paths: list[str], mode: str) -> WithGradients:
        called = self.called(function, mode)
        variables = [self.parameter(variable_at(model, path)) for path in paths]

        def call(*tensors: Tensor) -> tuple[Outputs, Outputs]:
            outputs = called(*tensors)
            if outputs[""].requires_grad:
                gradients = torch.autograd.grad(outputs[""], variables, materialize_grads=True)
            else:  # it depends on no variable, for which autograd raises an error
                gradients = tuple(map(torch.zeros_like, variables))
            return outputs, dict(zip(paths, gradients, strict=True))

        return call

    def parameter(self, variable: Any) -> Tensor:
        """The tensor of a weight."""
        return variable


def torch_state() -> dict[str, Any]:
    """The settings of torch that change its results, or how it computes them."""
    hooks = torch.nn.modules.module
    return {
        "grad mode": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "threads": torch.get_num_threads(),
        "default dtype": torch.get_default_dtype(),
        "default device": str(torch.get_default_device()),
        "autocast": (torch.is_autocast_enabled("cpu"), torch.is_autocast_enabled("cuda")),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "precision of products": torch.get_float32_matmul_precision(),
        "anomaly detection": torch.is_anomaly_enabled(),
        "oneDNN": torch.backends.mkldnn.enabled,
        "modes of dispatch": (torch._C._len_torch_function_stack(), torch._C._len_torch_dispatch_stack()),
        "global hooks": tuple(len(getattr(hooks, name)) for name in _HOOKS),
    }


_HOOKS = (
    "_global_forward_hooks",
    "_global_forward_pre_hooks",
    "_global_backward_hooks",
    "_global_backward_pre_hooks",
    "_global_module_registration_hooks",
    "_global_parameter_registration_hooks",
    "_global_buffer_registration_hooks",
)
