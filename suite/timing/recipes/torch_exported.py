"""A method of torch exported to ONNX and run by ONNX Runtime: inference only."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from typing import Any

import onnxruntime
import torch
import torch.utils.dlpack

from ...backends.base import Forward, Tensor
from ...workers.subject import Subject
from ..measure.onnx_runtime import open_session
from .torch_calls import exportable, method_of, own


def exported(subject: Subject, function: Forward, inputs: tuple[Tensor, ...]) -> Forward:
    """`function(*inputs)` by ONNX Runtime, on torch's tensors; the weights are those of now.

    Args:
        subject: whose method it is.
        function: `encoder`, `decoder` or the objective.
        inputs: the tensors that it will be called with, as examples: shapes are fixed by them.

    Raises:
        ValueError: the dtype is not float32, or ONNX Runtime is not built for the device.
    """
    if subject.dtype != "float32":
        raise ValueError(f"dtype '{subject.dtype}': only float32 is exported")
    device = subject.binding.device
    provider = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}[device]
    if provider not in onnxruntime.get_available_providers():
        raise ValueError(f"device '{device}': this onnxruntime has no {provider}")
    session = open_session(_model(subject, function, inputs), subject.binding.threads(), provider)
    names = [node.name for node in session.get_inputs()]
    if device == "cuda":
        return _on_cuda(session, names)

    def call(*tensors: Tensor) -> Any:
        # Both libraries see the same memory: neither the arguments nor the results are copied.
        outputs = session.run(None, {name: tensor.numpy() for name, tensor in zip(names, tensors, strict=True)})
        return _returned([torch.from_numpy(output) for output in outputs])

    return call


def _model(subject: Subject, function: Forward, inputs: tuple[Tensor, ...]) -> bytes:
    """The method as an ONNX model."""
    subject = own(subject)
    module = exportable(subject, method_of(subject, function))
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    # The exporter speaks to its user: of operators that nobody registered, and of its own progress.
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
        warnings.simplefilter("ignore")
        logger.setLevel(logging.ERROR)
        try:
            program = torch.onnx.export(module, inputs, dynamo=True, verbose=False)
        finally:
            logger.setLevel(level)
    assert program is not None
    model: bytes = program.model_proto.SerializeToString()
    return model


def _on_cuda(session: Any, names: list[str]) -> Forward:
    outputs = [node.name for node in session.get_outputs()]

    def call(*tensors: Tensor) -> Any:
        binding = session.io_binding()
        for name, tensor in zip(names, tensors, strict=True):
            binding.bind_ortvalue_input(name, onnxruntime.OrtValue.from_dlpack(tensor.contiguous(), False))
        for name in outputs:
            binding.bind_output(name, "cuda")
        session.run_with_iobinding(binding)
        return _returned([torch.utils.dlpack.from_dlpack(value.to_dlpack()) for value in binding.get_outputs()])

    return call


def _returned(outputs: list[Tensor]) -> Any:
    """What a method returns: a tensor, or some."""
    return outputs[0] if len(outputs) == 1 else tuple(outputs)
