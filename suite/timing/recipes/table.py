"""The optimisation steps of each framework: what makes a stage fast, one setting more at each step. Imports none.

Each step is a recipe of `docs/performance.md`: a few lines that a person can paste. A step stays inside of its
framework, and changes how something is computed, not what.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...reference.spec import Spec
from ...workers.machine import keeps_float32


@dataclass(frozen=True)
class Step:
    """One optimisation step of a stage.

    Attributes:
        name: short, for records and options, e.g. `fused-adam`.
        adds: what the step has more than the one before it, in a line of Markdown, e.g. "`Adam(fused=True)`".
    """

    name: str
    adds: str


FORWARD = ("encoder", "decoder", "elbo")
"""The stages without gradients."""


def steps_of(backend: str, spec: Spec, stage: str, batch: int, dtype: str, device: str) -> tuple[Step, ...]:
    """The steps of a stage, from the plainest on; timing finds the fastest. Empty where nothing is tuned.

    Args:
        backend: that executes.
        spec: the model.
        stage: one of `stages.STAGES`.
        batch: images per call.
        dtype: of the products.
        device: that computes.
    """
    steps = {"torch": _torch, "keras-tensorflow": _tensorflow, "keras-jax": _jax}.get(backend)
    return tuple(steps(spec, stage, batch, dtype, device)) if steps else ()


def turned_on(steps: tuple[Step, ...], name: str) -> frozenset[str]:
    """The names of a step and of all steps before it. Raises ValueError: the stage has no such step."""
    names = [step.name for step in steps]
    if name not in names:
        raise ValueError(f"rung '{name}': expected one of {', '.join(names) or 'none'}")
    return frozenset(names[: names.index(name) + 1])


_TORCH_FIRST = {
    "training_step": Step("logits", "`binary_cross_entropy_with_logits` in place of sigmoid and cross-entropy"),
    **dict.fromkeys(FORWARD, Step("inference", "`torch.inference_mode()`, logits in place of probabilities")),
}


def _torch(spec: Spec, stage: str, batch: int, dtype: str, device: str) -> Iterator[Step]:
    if dtype not in ("float32", "bfloat16") and not (dtype == "tf32" and device == "cuda"):
        return
    yield _TORCH_FIRST[stage]
    if stage not in FORWARD:
        yield Step("fused-adam", "`Adam(fused=True)`")
    if spec.network != "mlp":
        yield Step("channels-last", "weights in `torch.channels_last`")
        if stage != "encoder" and device == "cpu":
            adds = "`output_padding=1` and one more crop: oneDNN is slow where an output is no whole number of strides"
            yield Step("whole-strides", adds)
    # At batch 1 a product is a sum over the weights, for which MKL's routine has the lower cost per call.
    elif dtype == "float32" and device == "cpu" and batch > 1 and keeps_float32():
        yield Step("onednn", '`torch.backends.mkldnn.matmul.fp32_precision = "bf16"`: products by oneDNN')
    yield Step("compiled", "`torch.compile`")
    if device == "cuda":
        yield Step("cuda-graphs", '`torch.compile(mode="reduce-overhead")`: CUDA graphs')
    elif stage in FORWARD:
        adds = "`torch.export` and AOTInductor in place of `torch.compile`, weights frozen and prepacked"
        yield Step("ahead-of-time", adds)


def _tensorflow(spec: Spec, stage: str, batch: int, dtype: str, device: str) -> Iterator[Step]:
    if dtype not in ("float32", "bfloat16"):
        return
    what = "`tf.function(input_signature=…)`"
    if stage == "training_step":
        what = "gradient and a Keras optimizer in one `tf.function`"
    yield Step("graph", f"{what}, logits in place of probabilities")
    yield Step("concrete", "`get_concrete_function()`: no look at the arguments of a call")
    if stage in FORWARD:
        yield Step("constants", "weights captured as constants")
    # On a CPU, XLA has no fast products in bfloat16, and differentiates convolutions into naive loops.
    if dtype == "float32" and (stage in FORWARD or spec.network != "conv" or device != "cpu"):
        yield Step("xla", "`jit_compile=True`")


def _jax(spec: Spec, stage: str, batch: int, dtype: str, device: str) -> Iterator[Step]:
    if dtype != "float32":  # XLA on a CPU ignores `jax.default_matmul_precision("BF16_BF16_F32")`
        return
    if stage in FORWARD:
        yield Step("jit", "`jax.jit` of a stateless call, logits in place of probabilities")
        yield Step("constants", "weights captured as constants")
    else:
        yield Step("jit", "`jax.jit` of gradient and Adam as one function, logits in place of probabilities")
        yield Step("donated", "`donate_argnums` for weights and moments")
