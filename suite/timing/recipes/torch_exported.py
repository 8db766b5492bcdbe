"""A method of torch exported to ONNX and run by ONNX Runtime: inference only."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from typing import Any

import onnxruntime
import torch

from ...backends.base import Forward, Tensor
from ...workers.subject import Subject
from .torch_recipes import exportable, method_of, own

ERRORS_ONLY = 3


def exported(subject: Subject, function: Forward, inputs: tuple[Tensor, ...]) -> Forward:
    """`function(*inputs)` by ONNX Runtime, on torch's tensors, with the model's present weights.

    Args:
        subject: the model that has the method.
        function: `encoder`, `decoder` or the objective.
        inputs: example arguments, which fix the shapes.

    Raises:
        ValueError: the dtype is not float32.
    """
    if subject.dtype != "float32":
        raise ValueError(f"export to ONNX: expected dtype float32; found '{subject.dtype}'")
    session = open_session(_model(subject, function, inputs), subject.binding.threads())
    names = [node.name for node in session.get_inputs()]

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
    # The exporter prints its progress, and warns of unregistered operators.
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


def open_session(model: bytes, threads: int) -> Any:
    """A session of a model on the CPU, with `threads` threads of one operation; it logs errors alone."""
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.inter_op_num_threads = 1
    settings.log_severity_level = ERRORS_ONLY
    return onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])


def _returned(outputs: list[Tensor]) -> Any:
    """The output of a method: a tensor, or several."""
    return outputs[0] if len(outputs) == 1 else tuple(outputs)
