"""A method exported to ONNX and run by ONNX Runtime: inference only."""

from __future__ import annotations

from ..bindings.base import Forward, Tensor
from ..subject import Subject


def exported(subject: Subject, function: Forward, inputs: tuple[Tensor, ...]) -> Forward:
    """`function(*inputs)` by ONNX Runtime, on tensors of the framework.

    Args:
        subject: whose method it is.
        function: `encoder` or `decoder`.
        inputs: the tensors that it will be called with, as examples.
    """
    raise NotImplementedError
