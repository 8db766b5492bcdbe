"""The optimisation steps of each framework, in order: `tuned` is timed at each of them. Imports no framework.

A step is a recipe of `docs/performance.md`, turned on together with all steps before it. It stays within its framework,
and changes how a result is computed, not the result.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...reference.spec import Spec
from ...workers.machine import keeps_float32

FORWARD = ("encoder", "decoder", "elbo")
"""The stages without gradients."""


def steps_of(backend: str, spec: Spec, stage: str, batch: int, dtype: str, device: str) -> tuple[str, ...]:
    """The names of the optimisation steps of a stage, in order; empty where there is none.

    Args:
        backend: the backend that executes.
        spec: the model.
        stage: one of `stages.STAGES`.
        batch: images per call.
        dtype: the dtype of the products.
        device: the device that computes.
    """
    steps = {"torch": _torch, "keras-tensorflow": _tensorflow, "keras-jax": _jax}.get(backend)
    return tuple(steps(spec, stage, batch, dtype, device)) if steps else ()


def turned_on(steps: tuple[str, ...], name: str) -> frozenset[str]:
    """A step and all steps before it. Raises ValueError: the stage has no such step."""
    if name not in steps:
        raise ValueError(f"optimisation step '{name}': expected one of {', '.join(steps) or 'none'}")
    return frozenset(steps[: steps.index(name) + 1])


def _torch(spec: Spec, stage: str, batch: int, dtype: str, device: str) -> Iterator[str]:
    if dtype not in ("float32", "bfloat16") and not (dtype == "tf32" and device == "cuda"):
        return
    if dtype == "bfloat16":
        yield "autocast"
    if stage not in FORWARD:
        yield "fused-adam"
    if spec.network != "mlp":
        yield "channels-last"
        if stage != "encoder" and device == "cpu":
            yield "whole-strides"
    # At batch 1 a product is a sum over the weights, for which MKL's routine has the lower cost per call.
    elif dtype == "float32" and device == "cpu" and batch > 1 and keeps_float32():
        yield "onednn"
    yield "compiled"
    if device == "cuda":
        yield "cuda-graphs"
    elif stage in FORWARD:
        yield "ahead-of-time"


def _tensorflow(spec: Spec, stage: str, batch: int, dtype: str, device: str) -> Iterator[str]:
    if dtype not in ("float32", "bfloat16"):
        return
    yield "concrete"
    if stage in FORWARD:
        yield "constants"
    # On a CPU, XLA has no fast products in bfloat16, and differentiates convolutions into naive loops.
    if dtype == "float32" and (stage in FORWARD or spec.network != "conv" or device != "cpu"):
        yield "xla"


def _jax(spec: Spec, stage: str, batch: int, dtype: str, device: str) -> Iterator[str]:
    if dtype == "float32":  # XLA on a CPU ignores `jax.default_matmul_precision("BF16_BF16_F32")`
        yield "constants" if stage in FORWARD else "donated"
