"""torch as fast as it can go: ladders of rungs, and the calls that they lead to."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from ...definition.spec import Spec
from ..bindings import Binding, Epoch, Training
from ..bindings.base import Forward, Tensor
from ..subject import Subject
from .base import Ladder, Tuner
from .torch_calls import Arithmetic, ahead_of_time, compiled, in_blocks, inference, keeps_float32, method_of, own
from .torch_rungs import BLOCK, Options, ladder_of
from .torch_training import TunedEpoch, TunedTraining


class TorchTuner(Tuner):
    """The ladders of torch."""

    def ladder(self, spec: Spec, stage: str, batch: int, dtype: str) -> Ladder[Options]:
        onednn = self.binding.device == "cpu" and keeps_float32()
        return ladder_of(spec, stage, batch, dtype, self.binding.device, onednn=onednn)

    def forward(
        self, subject: Subject, stage: str, rung: str, function: Forward, inputs: tuple[Tensor, ...], batch: int
    ) -> Forward:
        options = self.ladder(subject.spec, stage, batch, subject.dtype).options(rung)
        subject = own(subject, options)
        function = compiled(self.binding, method_of(subject, function), options)
        size = BLOCK[subject.dtype] if options.blocks else batch
        if options.ahead:
            # Its graphs are not torch.compile's: nothing was compiled yet.
            examples = tuple(tensor[:size] for tensor in inputs)
            function = ahead_of_time(subject, function, examples, options)
        if options.blocks:
            function = in_blocks(function, size)
        if options.ahead:
            return function
        return inference(function, Arithmetic(subject.dtype, self.binding.device, options))

    def training(self, subject: Subject, rung: str, inputs: tuple[Tensor, Tensor], batch: int) -> Training:
        return TunedTraining(subject, self.ladder(subject.spec, "training_step", batch, subject.dtype).options(rung))

    def epoch(self, subject: Subject, rung: str, images: NDArray[Any], batch: int) -> Epoch:
        return TunedEpoch(
            subject, self.ladder(subject.spec, "epoch", batch, subject.dtype).options(rung), images, batch
        )


def open_tuner(binding: Binding) -> Tuner:
    """The ladders of torch on the binding's device."""
    return TorchTuner(binding)
