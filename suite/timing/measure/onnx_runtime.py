"""ONNX Runtime: sessions, and its own matrix product as a rate to hold others against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...backends.base import Array

IR_VERSION, OPSET = 10, 17
"""Old enough for any ONNX Runtime in use."""


ERRORS_ONLY = 3


def open_session(model: bytes, threads: int, provider: str = "CPUExecutionProvider") -> Any:
    """A session of a model, with so many threads of one operation, which says nothing but errors."""
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.inter_op_num_threads = 1
    settings.log_severity_level = ERRORS_ONLY
    return onnxruntime.InferenceSession(model, settings, providers=[provider])


def constant_product(a: Array, b: Array, threads: int) -> Callable[[], Any]:
    """The product of a [m, k] and a constant b [k, n], both float32, which the session packs beforehand.

    Args:
        threads: of the operation.
    """
    from onnx import TensorProto, helper, numpy_helper

    (m, k), n = a.shape, b.shape[1]
    inputs = [helper.make_tensor_value_info("a", TensorProto.FLOAT, [m, k])]
    outputs = [helper.make_tensor_value_info("c", TensorProto.FLOAT, [m, n])]
    node = helper.make_node("MatMul", ["a", "b"], ["c"])
    graph = helper.make_graph([node], "product", inputs, outputs, [numpy_helper.from_array(b, "b")])
    model = helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)])
    session = open_session(model.SerializeToString(), threads)
    return lambda: session.run(None, {"a": a})
