"""torch as fast as it can go: ladders of rungs, and the calls that they lead to."""

from __future__ import annotations

from math import prod
from typing import Any

from numpy.typing import NDArray

from ...definition.spec import Spec
from ..bindings import Binding, Epoch, Training
from ..bindings.base import Forward, Tensor
from ..subject import Subject
from .base import Rung, Tuner
from .torch_calls import Arithmetic, ahead_of_time, compiled, inference, keeps_float32, method_of, own
from .torch_rungs import Ladder, Options, ladder
from .torch_training import TunedEpoch, TunedTraining


class TorchTuner(Tuner):
    """The ladders of torch."""

    def ladder(self, spec: Spec, stage: str, batch: int, dtype: str) -> tuple[Rung, ...]:
        return tuple(rung for rung, _ in self._ladder(spec, stage, batch, dtype).values())

    def forward(self, subject: Subject, rung: str, function: Forward, inputs: tuple[Tensor, ...]) -> Forward:
        # A latent variable may have an axis of samples before that of the batch; both are rows of a product.
        methods = subject.notation.methods
        stages = {methods.encoder: "encoder", methods.decoder: "decoder"}
        stage = stages.get(getattr(function, "__name__", None), "elbo")
        options = self._options(subject, stage, prod(inputs[0].shape[:-1]), rung)
        subject = own(subject, options)
        function = method_of(subject, function)
        if options.ahead:
            compiled(self.binding, function, options)  # none: its graphs are not torch.compile's
            return ahead_of_time(subject, function, inputs)
        arithmetic = Arithmetic(subject.dtype, self.binding.device, options)
        return inference(compiled(self.binding, function, options), arithmetic)

    def training(self, subject: Subject, rung: str, inputs: tuple[Tensor, Tensor]) -> Training:
        return TunedTraining(subject, self._options(subject, "training_step", len(inputs[0]), rung))

    def epoch(self, subject: Subject, rung: str, images: NDArray[Any], batch: int) -> Epoch:
        return TunedEpoch(subject, self._options(subject, "epoch", batch, rung), images, batch)

    def _ladder(self, spec: Spec, stage: str, batch: int, dtype: str) -> Ladder:
        onednn = self.binding.device == "cpu" and keeps_float32()
        return ladder(spec, stage, batch, dtype, self.binding.device, onednn=onednn)

    def _options(self, subject: Subject, stage: str, batch: int, rung: str) -> Options:
        rungs = self._ladder(subject.spec, stage, batch, subject.dtype)
        if rung not in rungs:
            raise ValueError(
                f"rung '{rung}' of {stage} in {subject.dtype}: expected one of {', '.join(rungs) or 'none'}"
            )
        return rungs[rung][1]


def open_tuner(binding: Binding) -> Tuner:
    """The ladders of torch on the binding's device."""
    return TorchTuner(binding)
