"""What torch's rungs are made of: a model of their own, the arithmetic of a call, and its compilers."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import MethodType, TracebackType
from typing import Any

import torch
from torch._inductor.runtime.cache_dir_utils import cache_dir

from ..bindings.base import Binding, Forward, Tensor
from ..bindings.pytorch import TorchBinding
from ..subject import Subject
from .torch_rungs import Options
from .torch_transposed import ShiftedSum, WholeStrides, has_few_taps, leaves_part_of_a_stride, replaced

_ALLOWED = "bf16"


class Arithmetic:
    """A context in which products have a dtype's arithmetic, and the library that a rung asks for.

    torch multiplies float32 matrices by MKL. oneDNN does it where `fp32_precision` permits bfloat16 inside; without
    matrix units for that (AMX) it does not make use of the permission and stays in float32, as `keeps_float32` tests.
    The settings are the process's, which also has calls without them: they hold for one call and are then put back.
    """

    def __init__(self, dtype: str, device: str, options: Options):
        self.autocast = torch.autocast(device, torch.bfloat16, enabled=dtype == "bfloat16", cache_enabled=True)
        self.lower = dtype == "bfloat16"
        self.settings: list[tuple[Any, str]] = []
        if options.onednn:
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


@cache
def keeps_float32() -> bool:
    """Whether oneDNN is there and computes float32 products in float32 though it is permitted bfloat16."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return False
    # 1 + 2⁻²⁰ is a float32 that bfloat16 does not have; the products by an identity are exact in float32.
    matrix = torch.full((256, 256), 1 + 2.0**-20)
    with Arithmetic("float32", "cpu", Options(onednn=True)):
        return torch.equal(matrix @ torch.eye(256), matrix)


def own(subject: Subject, options: Options) -> Subject:
    """The subject with a model of its own, so that layouts and weights of the shared one stay as they are."""
    model = copy.deepcopy(subject.model)
    if options.channels_last:
        model = model.to(memory_format=torch.channels_last)
    if options.whole_strides:
        model = replaced(model, leaves_part_of_a_stride, WholeStrides)
    if options.shifted_sum:
        model = replaced(model, has_few_taps, ShiftedSum)
    return replace(subject, model=model)


def method_of(subject: Subject, function: Forward) -> Forward:
    """A method of another subject's model as that of this one's; what is no method is the objective."""
    return MethodType(function.__func__, subject.model) if isinstance(function, MethodType) else subject.objective()


def compiled(binding: Binding, function: Forward, options: Options) -> Forward:
    """`function`, compiled if the options say so."""
    assert isinstance(binding, TorchBinding)
    return binding.compile(function, enabled=options.compiled, mode="reduce-overhead" if options.graphs else None)


class _Exportable(torch.nn.Module):
    """A method of a model as the `forward` of a module, which is what torch exports."""

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


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x: [..., in]; weight: [out, in]; bias: [out] → [..., out]."""
    y = (x.unsqueeze(-2) * weight).sum(-1)
    return y if bias is None else y + bias


def _matmul(x: Tensor, weight: Tensor) -> Tensor:
    """x: [..., in]; weight: [in, out] → [..., out]; other products stay what they are."""
    return _linear(x, weight.mT) if weight.dim() == 2 else NotImplemented


#: A layer's product as a multiplication and a sum, for which Inductor writes a loop of its own.
_DOTS = {torch.ops.aten.linear.default: _linear, torch.ops.aten.matmul.default: _matmul}


def ahead_of_time(subject: Subject, function: Forward, inputs: tuple[Tensor, ...], options: Options) -> Forward:
    """`function`, compiled to a library that holds the weights as they are now, packed for oneDNN.

    Args:
        subject: whose method it is.
        inputs: the tensors that it will be called with, as examples: their shapes are fixed.
        options: of them `dots` and `measured`.
    """
    with torch.no_grad():
        program = torch.export.export(exportable(subject, function), inputs)
        if options.dots:
            program = program.run_decompositions(_DOTS)
        loader = torch._inductor.aoti_load_package(str(_package(program, inputs, measured=options.measured))).loader
    run: Callable[[list[Tensor]], list[Tensor]] = loader.run

    def call(*tensors: Tensor) -> Any:
        # The package's own __call__ would first flatten trees of arguments, at a third of the cost at batch 1.
        outputs = run(list(tensors))
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    return call


def _package(program: Any, inputs: tuple[Tensor, ...], *, measured: bool) -> Path:
    """The file of a program's library; kept where torch.compile keeps its own, and found there again."""
    choice = {"max_autotune": True, "max_autotune_gemm_backends": "CPP,ATEN"} if measured else {}
    about = [torch.__version__, torch.get_num_threads(), choice, str(program), [tensor.stride() for tensor in inputs]]
    digest = sha256(repr(about).encode())
    for name, weight in program.state_dict.items():
        digest.update(repr((name, weight.stride())).encode() + weight.contiguous().numpy().tobytes())
    file = Path(cache_dir()) / "ahead-of-time" / f"{digest.hexdigest()}.pt2"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:
            made = torch._inductor.aoti_compile_and_package(
                program, package_path=str(Path(folder) / "method.pt2"), inductor_configs={"freezing": True, **choice}
            )
            Path(made).replace(file)
    return file


def in_blocks(function: Forward, size: int) -> Forward:
    """`function`, of tensors [batch, ...] to one such tensor, for `size` of the batch at a time."""

    def call(*tensors: Tensor) -> Tensor:
        return torch.cat([function(*block) for block in zip(*(tensor.split(size) for tensor in tensors), strict=True)])

    return call


def inference(function: Forward, arithmetic: Arithmetic) -> Forward:
    """`function` without gradients, in an arithmetic."""
    if not arithmetic.settings and not arithmetic.lower:
        return torch.inference_mode()(function)

    @torch.inference_mode()
    def call(*tensors: Tensor) -> Any:
        with arithmetic:
            return function(*tensors)

    return call
