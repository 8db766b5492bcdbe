"""The rungs of torch's ladders, as data: what each turns on beside what the one before it had."""

from __future__ import annotations

from dataclasses import dataclass

from ...definition.spec import Spec
from .base import FORWARD, Ladder


@dataclass(frozen=True)
class Options:
    """What is turned on for a call.

    Attributes:
        onednn: float32 products by oneDNN in place of MKL (see `torch_calls.Arithmetic`).
        channels_last: convolutions' weights in channels-last layout.
        phases: strided transposed convolutions as ordinary ones (see `torch_phases`).
        compiled: `torch.compile` of the method or objective.
        graphs: replay CUDA graphs, by `torch.compile(mode="reduce-overhead")`.
        ahead: `torch.export` and AOTInductor, with weights frozen and prepacked.
        fused: `Adam(fused=True)`.
    """

    onednn: bool = False
    channels_last: bool = False
    phases: bool = False
    compiled: bool = False
    graphs: bool = False
    ahead: bool = False
    fused: bool = False


def ladder_of(spec: Spec, stage: str, batch: int, dtype: str, device: str, *, onednn: bool) -> Ladder[Options]:
    """The rungs of a stage by name, from the plainest on. Empty for a dtype that is not tuned.

    Args:
        spec: the model.
        stage: one of `stages.STAGES`.
        batch: images per call.
        dtype: `float32`, `bfloat16`, or `tf32` on a GPU.
        device: `cpu` or `cuda`.
        onednn: whether oneDNN can be asked for float32 products here.
    """
    ladder = Ladder(Options())
    if dtype not in ("float32", "bfloat16") and not (dtype == "tf32" and device == "cuda"):
        return ladder
    if stage in FORWARD:
        ladder.add("inference", "`torch.inference_mode()`, logits in place of probabilities")
    elif stage == "training_step":
        ladder.add("logits", "`binary_cross_entropy_with_logits` in place of sigmoid and cross-entropy")
    else:
        ladder.add("slices", "images in memory in place of a DataLoader, noise of a whole pass in one draw")
    if stage not in FORWARD:
        ladder.add("fused-adam", "`Adam(fused=True)`", fused=True)
    if spec.network == "conv":
        ladder.add("channels-last", "weights in `torch.channels_last`", channels_last=True)
        # In float32 its gradients are slower than those of the transposed convolution.
        if stage in ("decoder", "elbo") or (stage != "encoder" and dtype == "bfloat16"):
            ladder.add("phases", "transposed convolutions as a convolution and `pixel_shuffle`", phases=True)
    # At batch 1 a product is a sum over the weights, for which MKL's routine has the lower cost per call.
    elif dtype == "float32" and device == "cpu" and onednn and batch > 1:
        ladder.add("onednn", '`torch.backends.mkldnn.matmul.fp32_precision = "bf16"`: products by oneDNN', onednn=True)
    ladder.add("compiled", "`torch.compile`", compiled=True)
    if device == "cuda":
        ladder.add("cuda-graphs", '`torch.compile(mode="reduce-overhead")`: CUDA graphs', graphs=True)
    elif stage in FORWARD:
        ladder.add(
            "ahead-of-time",
            "`torch.export` and AOTInductor in place of `torch.compile`, weights frozen and prepacked",
            ahead=True,
            compiled=False,
        )
    return ladder
