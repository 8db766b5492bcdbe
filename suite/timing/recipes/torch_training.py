"""Training steps and epochs in memory, as fast as torch makes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import torch

from ...backends.base import Array, Tensor
from ...backends.pytorch import TorchBinding
from ...workers.subject import Subject
from ..measure.on_torch import TorchTraining
from ..measure.training import ADAM, Epoch
from .torch_calls import Arithmetic, compiled, own


class TunedTraining(TorchTraining):
    """Steps of Adam on the published objective.

    Args:
        binding: what executes.
        subject: whose objective it is; its model stays as it is.
        on: the names of the optimisation steps that are turned on.
    """

    def __init__(self, binding: TorchBinding, subject: Subject, on: Collection[str]):
        subject = own(subject, on)
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


class TunedEpoch(Epoch):
    """Passes over images that lie in memory: bytes to pixels, a permutation, slices of it, and steps.

    The whole input path is inside of a pass. Bytes become float32 once per pass and not once for all: a pass then costs
    what it costs a user whose data arrive as bytes, and a fourth of the memory is held between passes.

    Args:
        binding: what executes.
        subject: whose objective is trained.
        on: the names of the optimisation steps that are turned on.
        images: [data count, data], unsigned bytes.
        batch: images per step.
    """

    def __init__(self, binding: TorchBinding, subject: Subject, on: Collection[str], images: Array, batch: int):
        self.binding, self.batch = binding, batch
        self.steps = len(images) // batch
        self.training = TunedTraining(binding, subject, on)
        laid_out = np.ascontiguousarray(subject.laid_out(images))
        self.bytes = torch.from_numpy(laid_out).to(binding.torch_device)
        noise = (batch, subject.spec.latent_dim)
        self.noise_shape = (self.steps, 1, *noise) if "sample" in subject.notation.noise_axes else (self.steps, *noise)
        self.taken = torch.empty(0, dtype=torch.int64)
        self.drawn = torch.empty(0)

    def run(self) -> Tensor:
        pixels = self.bytes.to(torch.float32).div_(255)
        self.taken = torch.randperm(len(pixels), device=pixels.device)[: self.steps * self.batch].view(self.steps, -1)
        self.drawn = torch.randn(self.noise_shape, device=pixels.device)
        total = torch.zeros((), device=pixels.device)
        for rows, noise in zip(self.taken, self.drawn, strict=True):
            total += self.training.step(pixels[rows], noise)
        return total

    def restore(self, weights: Mapping[str, Array]) -> None:
        self.training.restore(weights)

    def seed(self, seed: int) -> None:
        torch.manual_seed(seed)

    def order(self) -> Array:
        return self.binding.array(self.taken)

    def noise(self) -> Array:
        drawn: Array = self.binding.array(self.drawn).reshape(self.steps, self.batch, -1)
        return drawn
