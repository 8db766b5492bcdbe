"""The rungs of torch's ladders, as data: what each turns on beside what the one before it had."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...definition.spec import Spec
from .base import Rung


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
        in_memory: an epoch's images are slices of memory, and its noise is one draw.
    """

    onednn: bool = False
    channels_last: bool = False
    phases: bool = False
    compiled: bool = False
    graphs: bool = False
    ahead: bool = False
    fused: bool = False
    in_memory: bool = False


Ladder = dict[str, tuple[Rung, Options]]

_FORWARD = ("encoder", "decoder", "elbo")


def ladder(spec: Spec, stage: str, batch: int, dtype: str, device: str, *, onednn: bool) -> Ladder:
    """The rungs of a stage by name, from the plainest on. Empty for a stage or dtype that is not tuned.

    Args:
        spec: the model.
        stage: `encoder`, `decoder`, `elbo`, `training_step` or `epoch`.
        batch: images per call.
        dtype: `float32`, `bfloat16`, or `tf32` on a GPU.
        device: `cpu` or `cuda`.
        onednn: whether oneDNN can be asked for float32 products here.
    """
    if dtype not in ("float32", "bfloat16") and not (dtype == "tf32" and device == "cuda"):
        return {}
    if stage not in (*_FORWARD, "training_step", "epoch"):
        return {}
    found: Ladder = {}
    options = Options()

    def add(name: str, adds: str, **turned_on: bool) -> None:
        nonlocal options
        options = replace(options, **turned_on)
        found[name] = (Rung(name, adds), options)

    if stage in _FORWARD:
        add("inference", "`torch.inference_mode()`, logits in place of probabilities")
    elif stage == "training_step":
        add("logits", "`binary_cross_entropy_with_logits` in place of sigmoid and cross-entropy")
    else:
        add("slices", "images in memory in place of a DataLoader, noise of a whole pass in one draw", in_memory=True)
    if stage not in _FORWARD:
        add("fused-adam", "`Adam(fused=True)`", fused=True)
    if spec.network == "conv":
        add("channels-last", "weights in `torch.channels_last`", channels_last=True)
        # In float32 its gradients are slower than those of the transposed convolution.
        if stage in ("decoder", "elbo") or (stage != "encoder" and dtype == "bfloat16"):
            add("phases", "transposed convolutions as a convolution and `pixel_shuffle`", phases=True)
    # At batch 1 a product is a sum over the weights, for which MKL's routine has the lower cost per call.
    elif dtype == "float32" and device == "cpu" and onednn and batch > 1:
        add("onednn", '`torch.backends.mkldnn.matmul.fp32_precision = "bf16"`: products by oneDNN', onednn=True)
    add("compiled", "`torch.compile`", compiled=True)
    if device == "cuda":
        add("cuda-graphs", '`torch.compile(mode="reduce-overhead")`: CUDA graphs', graphs=True)
    elif stage in _FORWARD:
        add(
            "ahead-of-time",
            "`torch.export` and AOTInductor in place of `torch.compile`, weights frozen and prepacked",
            ahead=True,
            compiled=False,
        )
    return found
