"""Training steps and epochs in memory, as fast as torch makes them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from ..bindings.base import Array, Tensor, variable_at
from ..bindings.training import Epoch, Training
from ..subject import Subject
from .torch_calls import Arithmetic, compiled, own
from .torch_rungs import Options


class TunedTraining(Training):
    """Steps of Adam on the published objective.

    Args:
        subject: whose objective it is; its model stays as it is.
        options: what is turned on.
    """

    def __init__(self, subject: Subject, options: Options):
        self.binding = subject.binding
        self.sign = subject.objective_sign()
        subject = own(subject, options)
        self.variables: dict[str, Tensor] = {path: variable_at(subject.model, path) for path in subject.paths}
        self.optimizer = torch.optim.Adam(list(self.variables.values()), lr=1e-3, fused=options.fused or None)
        self.arithmetic = Arithmetic(subject.dtype, self.binding.device, options)
        self.objective = compiled(self.binding, subject.objective(), options)
        self.graphs = options.graphs

    def step(self, x: Tensor, noise: Tensor) -> Tensor:
        if self.graphs:
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.optimizer.zero_grad()
        with self.arithmetic:
            value = self.objective(x, noise)
            # The backward pass has the settings of the forward one; autocast it takes from the graph itself.
            (self.sign * value).backward()
        self.optimizer.step()
        # What a CUDA graph returns lies in memory that its next replay writes again.
        return value.detach().clone() if self.graphs else value.detach()

    def restore(self, weights: Mapping[str, Array]) -> None:
        for path, value in weights.items():
            self.binding.assign(self.variables[path], value)
        self.optimizer.state.clear()

    def weights(self) -> dict[str, Array]:
        return {path: self.binding.array(variable).copy() for path, variable in self.variables.items()}

    def first_moments(self) -> dict[str, Array]:
        return {path: self.binding.array(self.optimizer.state[v]["exp_avg"]) for path, v in self.variables.items()}


class TunedEpoch(Epoch):
    """Passes over images that lie in memory: bytes to pixels, a permutation, slices of it, and steps.

    The whole input path is inside of a pass. Bytes become float32 once per pass and not once for all: a pass then costs
    what it costs a user whose data arrive as bytes, and a fourth of the memory is held between passes.

    Args:
        subject: whose objective is trained.
        options: of its steps.
        images: [data count, data], unsigned bytes.
        batch: images per step.
        axes: of one image as the model takes it.
    """

    def __init__(self, subject: Subject, options: Options, images: Array, batch: int):
        self.binding, self.batch = subject.binding, batch
        self.steps = len(images) // batch
        self.training = TunedTraining(subject, options)
        laid_out = np.ascontiguousarray(subject.laid_out(images))
        device = torch.device(self.binding.device)
        self.bytes = torch.from_numpy(laid_out).to(device)
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
