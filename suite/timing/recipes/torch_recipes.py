"""The recipes of torch: the library of matrix products, fused Adam, layouts of convolutions, and compilers."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import MethodType, TracebackType
from typing import Any, cast

import torch
from torch._inductor.runtime.cache_dir_utils import cache_dir

from ...backends.base import Forward, Tensor
from ...backends.pytorch import TorchBinding
from ...workers.subject import Subject
from ..measure.on_torch import TorchTraining
from ..measure.training import ADAM, Training

_ALLOWED = "bf16"


class Arithmetic:
    """A context that sets the arithmetic of products for a dtype, and their library for the optimisation steps.

    torch multiplies float32 matrices by MKL, or by oneDNN where `fp32_precision` permits bfloat16 inside. On a
    processor without matrix units (AMX), oneDNN makes no use of the permission and stays in float32 (`keeps_float32`).
    The settings are the process's, which also makes calls without them: they hold for one call and are then restored.
    """

    def __init__(self, dtype: str, device: str, on: Collection[str]):
        self.autocast = torch.autocast(device, torch.bfloat16, enabled=dtype == "bfloat16", cache_enabled=True)
        self.lower = dtype == "bfloat16"
        self.settings: list[tuple[Any, str]] = []
        if "onednn" in on:
            self.settings.append((torch.backends.mkldnn.matmul, _ALLOWED))  # type: ignore[attr-defined]  # untyped
        if dtype == "tf32":
            self.settings.append((torch.backends.cuda.matmul, "tf32"))
            self.settings.append((torch.backends.cudnn.conv, "tf32"))  # type: ignore[attr-defined]  # untyped
        self.before: list[str] = []

    def __enter__(self) -> None:
        self.before = [setting.fp32_precision for setting, _ in self.settings]
        for setting, value in self.settings:
            setting.fp32_precision = value
        if self.lower:
            self.autocast.__enter__()  # type: ignore[no-untyped-call]  # torch leaves it untyped

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.lower:
            self.autocast.__exit__(kind, error, trace)
        for (setting, _), value in zip(self.settings, self.before, strict=True):
            setting.fp32_precision = value


def own(subject: Subject, on: Collection[str] = ()) -> Subject:
    """The subject with a copy of its model, so that layouts and weights of the shared model do not change."""
    model = copy.deepcopy(subject.model)
    if "channels-last" in on:
        model = model.to(memory_format=torch.channels_last)
    if "whole-strides" in on:
        whole_strides(model)
    return replace(subject, model=model)


def whole_strides(model: torch.nn.Module) -> None:
    """Enlarge the outputs of transposed convolutions to whole numbers of strides, and crop the results.

    oneDNN 3.12 chooses its `brg_deconv` for whole strides alone, as `ONEDNN_VERBOSE=1` shows. Its choice for other
    sizes, `conv:any`, takes twice the time in float32 and 17 times in bfloat16 (AVX-512). The results are the same.
    """
    for layer in model.modules():
        if not isinstance(layer, torch.nn.ConvTranspose2d) or set(layer.output_padding) != {0}:
            continue
        # A layer's output has s · (input − 1) + kernel − 2 · padding rows.
        sizes = zip(layer.kernel_size, cast(tuple[int, int], layer.padding), layer.stride, strict=True)
        more = tuple((2 * padding - kernel) % stride for kernel, padding, stride in sizes)
        if any(more):
            layer.output_padding = more
            layer.register_forward_hook(partial(_cropped, more))


def _cropped(more: tuple[int, ...], layer: torch.nn.Module, inputs: tuple[Tensor, ...], y: Tensor) -> Tensor:
    return y[..., : y.shape[2] - more[0], : y.shape[3] - more[1]]


def method_of(subject: Subject, function: Forward) -> Forward:
    """The method of the same name of the subject's model; where `function` is no method, the subject's objective."""
    return MethodType(function.__func__, subject.model) if isinstance(function, MethodType) else subject.objective()


class _Exportable(torch.nn.Module):
    """A method of a model as the `forward` of a module, which torch can export."""

    def __init__(self, model: torch.nn.Module, function: Forward, bfloat16: bool):
        super().__init__()
        self.model, self.function, self.lower = model, function, bfloat16

    def forward(self, *tensors: Tensor) -> Any:
        if not self.lower:
            return self.function(*tensors)
        with torch.autocast("cpu", torch.bfloat16):
            return self.function(*tensors)


def exportable(subject: Subject, function: Forward) -> torch.nn.Module:
    """`function`, a method of the subject's model, as a module."""
    module = _Exportable(subject.model, function, subject.dtype == "bfloat16")
    return module.eval()


def ahead_of_time(subject: Subject, function: Forward, inputs: tuple[Tensor, ...]) -> Forward:
    """`function`, compiled to a library that contains the model's present weights, packed for oneDNN.

    Args:
        subject: the model that has the method.
        inputs: example arguments, which fix the shapes.
    """
    with torch.no_grad():
        program = torch.export.export(exportable(subject, function), inputs)
        loader = torch._inductor.aoti_load_package(str(_package(program, inputs))).loader
    run: Callable[[list[Tensor]], list[Tensor]] = loader.run

    def call(*tensors: Tensor) -> Any:
        # The package's __call__ would first flatten trees of arguments, which is a third of the cost at batch 1.
        outputs = run(list(tensors))
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    return call


def _package(program: Any, inputs: tuple[Tensor, ...]) -> Path:
    """The file of a program's library, in the cache folder of torch.compile; it is compiled only if it is missing."""
    about = [torch.__version__, torch.get_num_threads(), str(program), [tensor.stride() for tensor in inputs]]
    digest = sha256(repr(about).encode())
    for name, weight in program.state_dict.items():
        digest.update(repr((name, weight.stride())).encode() + weight.contiguous().numpy().tobytes())
    file = Path(cache_dir()) / "ahead-of-time" / f"{digest.hexdigest()}.pt2"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:
            made = torch._inductor.aoti_compile_and_package(
                program, package_path=str(Path(folder) / "method.pt2"), inductor_configs={"freezing": True}
            )
            Path(made).replace(file)
    return file


def compiled(binding: TorchBinding, function: Forward, on: Collection[str]) -> Forward:
    """`function`, compiled if that step is turned on."""
    mode = "reduce-overhead" if "cuda-graphs" in on else None
    return binding.compile(function, enabled="compiled" in on, mode=mode)


def inference(function: Forward, arithmetic: Arithmetic) -> Forward:
    """`function` without gradients, in an arithmetic."""
    if not arithmetic.settings and not arithmetic.lower:
        return torch.inference_mode()(function)

    @torch.inference_mode()
    def call(*tensors: Tensor) -> Any:
        with arithmetic:
            return function(*tensors)

    return call


class TunedTraining(TorchTraining):
    """Steps of Adam on the published objective.

    Args:
        subject: the model that has the objective; it is not changed.
        on: the names of the optimisation steps that are turned on.
    """

    def __init__(self, subject: Subject, on: Collection[str]):
        subject, binding = own(subject, on), _binding(subject)
        objective = compiled(binding, subject.objective(), on)
        super().__init__(binding, subject, objective, ADAM)
        if "fused-adam" in on:
            self.optimizer = torch.optim.Adam(list(self.variables.values()), lr=ADAM.learning_rate, fused=True)
        self.arithmetic = Arithmetic(subject.dtype, binding.device, on)
        self.graphs = "cuda-graphs" in on

    def step(self, x: Tensor, noise: Tensor) -> Tensor:
        if self.graphs:
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        # The backward pass needs the settings too, except autocast, which the graph contains.
        with self.arithmetic:
            value = super().step(x, noise)
        # A CUDA graph returns memory that its next replay overwrites.
        return value.clone() if self.graphs else value


def forward(subject: Subject, function: Forward, inputs: tuple[Tensor, ...], on: Collection[str]) -> Forward:
    """`function` without gradients; see `tuned_forward`."""
    binding = _binding(subject)
    subject = own(subject, on)
    function = method_of(subject, function)
    if "ahead-of-time" in on:
        binding.compile(function, enabled=False)  # its graphs are not torch.compile's: none is counted
        return ahead_of_time(subject, function, inputs)
    return inference(compiled(binding, function, on), Arithmetic(subject.dtype, binding.device, on))


def training(subject: Subject, inputs: tuple[Tensor, Tensor], on: Collection[str]) -> Training:
    """Steps of Adam; see `tuned_training`."""
    return TunedTraining(subject, on)


def _binding(subject: Subject) -> TorchBinding:
    assert isinstance(subject.binding, TorchBinding)
    return subject.binding
