"""torch as fast as torch makes it: calls without gradients, training steps."""

from __future__ import annotations

from collections.abc import Collection

import torch

from ...backends.base import Forward, Tensor
from ...backends.pytorch import TorchBinding
from ...workers.subject import Subject
from ..measure.on_torch import TorchTraining
from ..measure.training import ADAM, Training
from .torch_calls import Arithmetic, ahead_of_time, compiled, inference, method_of, own


class TunedTraining(TorchTraining):
    """Steps of Adam on the published objective.

    Args:
        subject: whose objective it is; its model stays as it is.
        on: the names of the optimisation steps that are turned on.
    """

    def __init__(self, subject: Subject, on: Collection[str]):
        subject, binding = own(subject, on), _binding(subject)
        objective = compiled(binding, subject.objective(), on)
        super().__init__(binding, subject, objective, ADAM)
        if "fused-adam" in on:
            self.optimizer = torch.optim.Adam(list(self.variables.values()), lr=ADAM.learning_rate, fused=True)
        self.arithmetic = Arithmetic(subject.dtype, binding.device, on)
        self.graphs = "cuda-graphs" in on

    def step(self, x: Tensor, noise: Tensor) -> Tensor:
        if self.graphs:
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        # The backward pass has the settings of the forward one; autocast it takes from the graph itself.
        with self.arithmetic:
            value = super().step(x, noise)
        # What a CUDA graph returns lies in memory that its next replay writes again.
        return value.clone() if self.graphs else value


def forward(subject: Subject, function: Forward, inputs: tuple[Tensor, ...], on: Collection[str]) -> Forward:
    """`function` without gradients; see `tuned_forward`."""
    binding = _binding(subject)
    subject = own(subject, on)
    function = method_of(subject, function)
    if "ahead-of-time" in on:
        binding.compile(function, enabled=False)  # its graphs are not torch.compile's: none is counted
        return ahead_of_time(subject, function, inputs)
    return inference(compiled(binding, function, on), Arithmetic(subject.dtype, binding.device, on))


def training(subject: Subject, inputs: tuple[Tensor, Tensor], on: Collection[str]) -> Training:
    """Steps of Adam; see `tuned_training`."""
    return TunedTraining(subject, on)


def _binding(subject: Subject) -> TorchBinding:
    assert isinstance(subject.binding, TorchBinding)
    return subject.binding
