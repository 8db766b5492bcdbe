"""Timing of Keras on torch: backward() and a Keras optimiser."""

from __future__ import annotations

import torch

from ...backends.base import Forward, Tensor
from ...backends.keras_torch import KerasTorchBinding
from ...workers.subject import Subject
from .on_keras import KerasTiming, KerasTraining
from .on_torch import TorchRates
from .training import ADAM, Optimizer, Training


class KerasTorchTiming(KerasTiming, TorchRates):
    """The timing device of Keras on torch."""

    binding: KerasTorchBinding

    def training(
        self, subject: Subject, *, objective: Forward | None = None, rule: Optimizer = ADAM, mode: str = ""
    ) -> Training:
        return KerasTorchTraining(self.binding, subject, objective or subject.objective(), rule)


class KerasTorchTraining(KerasTraining):
    """backward() and a Keras optimiser."""

    def __init__(self, binding: KerasTorchBinding, subject: Subject, objective: Forward, rule: Optimizer):
        super().__init__(binding, subject, rule)
        self.objective = objective

    def step(self, x: Tensor, noise: Tensor) -> Tensor:
        variables = list(self.variables.values())
        with self.binding.scope():
            value = self.objective(x, noise)
            gradients = torch.autograd.grad(self.sign * value, [v.value for v in variables])
            with torch.no_grad():
                self.optimizer.apply(list(gradients), variables)
        return value.detach()


open_timing = KerasTorchTiming
