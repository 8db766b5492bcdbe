"""torch as fast as torch makes it: one setting more at each step."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from ...backends.base import Forward, Tensor
from ...backends.pytorch import TorchBinding
from ...reference.spec import Spec
from ...workers.subject import Subject
from ..measure.training import Epoch, Training
from .base import FORWARD, Step, Tuner
from .torch_calls import Arithmetic, ahead_of_time, compiled, inference, keeps_float32, method_of, own
from .torch_training import TunedEpoch, TunedTraining

FIRST = {
    "training_step": Step("logits", "`binary_cross_entropy_with_logits` in place of sigmoid and cross-entropy"),
    "epoch": Step("slices", "images in memory in place of a DataLoader, noise of a whole pass in one draw"),
    **dict.fromkeys(FORWARD, Step("inference", "`torch.inference_mode()`, logits in place of probabilities")),
}


class TorchTuner(Tuner):
    """The optimisation steps of torch."""

    binding: TorchBinding

    def steps(self, spec: Spec, stage: str, batch: int, dtype: str) -> tuple[Step, ...]:
        device, dense = self.binding.device, spec.network == "mlp"
        if dtype not in ("float32", "bfloat16") and not (dtype == "tf32" and device == "cuda"):
            return ()
        steps = [FIRST[stage]]
        if stage not in FORWARD:
            steps.append(Step("fused-adam", "`Adam(fused=True)`"))
        if not dense:
            steps.append(Step("channels-last", "weights in `torch.channels_last`"))
            if stage != "encoder" and device == "cpu":
                adds = (
                    "`output_padding=1` and one more crop: oneDNN is slow where an output is no whole number of strides"
                )
                steps.append(Step("whole-strides", adds))
        # At batch 1 a product is a sum over the weights, for which MKL's routine has the lower cost per call.
        elif dtype == "float32" and device == "cpu" and batch > 1 and keeps_float32():
            adds = '`torch.backends.mkldnn.matmul.fp32_precision = "bf16"`: products by oneDNN'
            steps.append(Step("onednn", adds))
        steps.append(Step("compiled", "`torch.compile`"))
        if device == "cuda":
            steps.append(Step("cuda-graphs", '`torch.compile(mode="reduce-overhead")`: CUDA graphs'))
        elif stage in FORWARD:
            adds = "`torch.export` and AOTInductor in place of `torch.compile`, weights frozen and prepacked"
            steps.append(Step("ahead-of-time", adds))
            if dense and dtype == "float32" and batch > 1 and stage != "elbo":
                adds = '`max_autotune_gemm_backends="CPP,ATEN"`: each product the fastest that Inductor has for it'
                steps.append(Step("max-autotune", adds))
        return tuple(steps)

    def forward(
        self, subject: Subject, stage: str, last_step: str, function: Forward, inputs: tuple[Tensor, ...], batch: int
    ) -> Forward:
        on = self.on(subject, stage, last_step, batch)
        subject = own(subject, on)
        function = method_of(subject, function)
        if "ahead-of-time" in on:
            self.binding.compile(function, enabled=False)  # its graphs are not torch.compile's: none is counted
            return ahead_of_time(subject, function, inputs, measured="max-autotune" in on)
        return inference(compiled(self.binding, function, on), Arithmetic(subject.dtype, self.binding.device, on))

    def training(self, subject: Subject, last_step: str, inputs: tuple[Tensor, Tensor], batch: int) -> Training:
        return TunedTraining(self.binding, subject, self.on(subject, "training_step", last_step, batch))

    def epoch(self, subject: Subject, last_step: str, images: NDArray[Any], batch: int) -> Epoch:
        return TunedEpoch(self.binding, subject, self.on(subject, "epoch", last_step, batch), images, batch)


open_tuner = TorchTuner
