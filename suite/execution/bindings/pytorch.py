"""torch: eager, or compiled by torch.compile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from ...definition.theta.functions import Functions
from ..backends import base_dtype
from .base import Array, Binding, Forward, Graphs, Model, Tensor, variable_at
from .on_torch import OnTorch, gradients_by_path
from .training import Epoch, Optimizer, Training


class TorchBinding(OnTorch):
    """Drives a torch.nn.Module."""

    backend = "torch"
    framework = "torch"
    adam_epsilon = 1e-8, True

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

    def forward(self, model: Model, function: Forward, mode: str) -> Forward:
        compiled = self._compile(function, mode)

        @torch.inference_mode()
        def call(*tensors: Tensor) -> Any:
            return compiled(*tensors)

        return call

    def with_gradients(
        self, model: Model, function: Forward, paths: list[str], mode: str
    ) -> Callable[..., tuple[dict[str, Tensor], dict[str, Tensor]]]:
        compiled = self._compile(function, mode)
        variables = [variable_at(model, path) for path in paths]

        def call(*tensors: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
            outputs = compiled(*tensors)
            return outputs, gradients_by_path(outputs[""], variables, paths)

        return call

    def training(
        self, model: Model, objective: Forward, sign: int, paths: list[str], optimizer: Optimizer, mode: str
    ) -> Training:
        return TorchTraining(self, model, self._compile(objective, mode), sign, paths, optimizer)

    def epoch(
        self, model: Model, published: Forward, sign: int, paths: list[str], images: Array, batch: int
    ) -> Epoch | None:
        from .torch_epoch import PublishedEpoch  # it needs Pillow, and no other worker does

        rule = Optimizer("adam", learning_rate=1e-3)
        training = TorchTraining(self, model, published, sign, paths, rule)
        return PublishedEpoch(training, published, images, batch, self.device)

    def functions(self) -> Functions:
        return Functions(
            constant=lambda array: self.tensor(array, "float64"),
            exp=torch.exp,
            log=torch.log,
            tanh=torch.tanh,
            log_sigmoid=torch.nn.functional.logsigmoid,
            sum=torch.sum,
            logsumexp=torch.logsumexp,
            transpose=torch.t,
            solve=torch.linalg.solve,
            log_det=torch.logdet,
        )

    def graphs(self, function: Any) -> Graphs | None:
        if not self.compiled:
            return None
        counters = torch._dynamo.utils.counters
        graphs = counters["stats"]["unique_graphs"]
        if not graphs:
            return None
        breaks = sum(counters["graph_break"].values())
        return Graphs(graphs, breaks, max(0, graphs - breaks - 1))

    def start_compiler(self) -> None:
        self._compile(lambda x: x + 1, "compiled")(torch.ones(16, device=self.torch_device))

    def _compile(self, function: Forward, mode: str) -> Forward:
        return self.compile(function, enabled=mode == "compiled")

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


class TorchTraining(Training):
    """backward() and a torch optimiser."""

    def __init__(
        self, binding: TorchBinding, model: Model, objective: Forward, sign: int, paths: list[str], rule: Optimizer
    ):
        self.binding, self.objective, self.sign = binding, objective, sign
        self.variables = {path: variable_at(model, path) for path in paths}
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


def open_binding(device: str) -> Binding:
    """The torch binding on `device`."""
    return TorchBinding(device)
