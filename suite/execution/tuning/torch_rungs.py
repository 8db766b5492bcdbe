"""The rungs of torch's ladders, as data: what each turns on beside what the one before it had."""

from __future__ import annotations

from dataclasses import dataclass

from ...definition.spec import Spec
from .base import FORWARD, Ladder

#: Images of a block, by dtype: what a layer of 28 × 28 images hands to the next should stay in a processor's cache. In
#: bfloat16 it is half as large, and there is a cost per call, of weights that are converted and packed.
BLOCK = {"float32": 32, "bfloat16": 128}


@dataclass(frozen=True)
class Options:
    """What is turned on for a call.

    Attributes:
        onednn: float32 products by oneDNN in place of MKL (see `torch_calls.Arithmetic`).
        channels_last: convolutions' weights in channels-last layout.
        whole_strides: transposed convolutions with an output of whole strides (see `torch_transposed`).
        shifted_sum: one to few channels as a product and a sum of its shifts (the same).
        compiled: `torch.compile` of the method or objective.
        graphs: replay CUDA graphs, by `torch.compile(mode="reduce-overhead")`.
        blocks: a batch in blocks of `BLOCK` images, one after the other.
        ahead: `torch.export` and AOTInductor, with weights frozen and prepacked.
        measured: what is compiled ahead may take Inductor's own products in place of a library's, by timing them.
        dots: products as a multiplication and a sum, in what is compiled ahead.
        fused: `Adam(fused=True)`.
    """

    onednn: bool = False
    channels_last: bool = False
    whole_strides: bool = False
    shifted_sum: bool = False
    compiled: bool = False
    graphs: bool = False
    blocks: bool = False
    ahead: bool = False
    measured: bool = False
    dots: bool = False
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
        if stage != "encoder" and device == "cpu":
            ladder.add(
                "whole-strides",
                "`output_padding=1` and one more crop: oneDNN is slow where an output is no whole number of strides",
                whole_strides=True,
            )
        # Its gradients are slower than those of the convolution.
        if stage in ("decoder", "elbo") and device == "cpu" and _has_few_taps(spec):
            ladder.add(
                "shifted-sum",
                "the last layer, of one channel, as a product with all its taps and a sum of shifts",
                shifted_sum=True,
                onednn=onednn and dtype == "float32",
            )
    # At batch 1 a product is a sum over the weights, for which MKL's routine has the lower cost per call.
    elif dtype == "float32" and device == "cpu" and onednn and batch > 1:
        ladder.add("onednn", '`torch.backends.mkldnn.matmul.fp32_precision = "bf16"`: products by oneDNN', onednn=True)
    ladder.add("compiled", "`torch.compile`", compiled=True)
    if device == "cuda":
        ladder.add("cuda-graphs", '`torch.compile(mode="reduce-overhead")`: CUDA graphs', graphs=True)
    elif stage in FORWARD:
        if spec.network == "conv" and stage == "decoder" and batch > BLOCK[dtype] and batch % BLOCK[dtype] == 0:
            ladder.add(
                "blocks", f"{BLOCK[dtype]} images at a time: what is between layers stays in the cache", blocks=True
            )
        ladder.add(
            "ahead-of-time",
            "`torch.export` and AOTInductor in place of `torch.compile`, weights frozen and prepacked",
            ahead=True,
            compiled=False,
        )
        if spec.network == "mlp" and dtype == "float32" and batch == 1:
            # Libraries do this product on one thread, and each layer costs a call to them.
            ladder.add(
                "dots",
                "products decomposed into a multiplication and a sum: Inductor's own loop over the outputs, on all "
                "threads, in place of a library's",
                dots=True,
            )
        elif spec.network == "mlp" and dtype == "float32" and stage != "elbo":
            ladder.add(
                "max-autotune",
                '`max_autotune_gemm_backends="CPP,ATEN"`: each product the fastest of those that Inductor has for it',
                measured=True,
            )
    return ladder


def _has_few_taps(spec: Spec) -> bool:
    """Whether the last layer, of 3 × 3 taps, has fewer of them in all than channels."""
    assert spec.image_shape and spec.channels
    return 9 * spec.image_shape[0] < spec.channels[0]
