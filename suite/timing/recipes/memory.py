"""A pass over images that lie in memory, as each framework makes it fast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...backends.base import Array, Tensor
from ...workers.subject import Subject
from ..measure.training import Epoch, Training


class MemoryEpoch(Epoch):
    """Passes over images that lie in the device's memory as bytes: an order, a draw of noise, and steps.

    Bytes become pixels inside of a pass: it then costs what it costs a user whose data arrive as bytes.

    Args:
        subject: whose objective is trained.
        training: whose steps are taken.
        images: [data count, data], unsigned bytes.
        batch: images per step.

    Attributes:
        rows: which images the latest pass took: [step, batch].
        drawn: its noise, in the axes that the notation declares.
    """

    rows: Tensor
    drawn: Tensor

    def __init__(self, subject: Subject, training: Training, images: Array, batch: int):
        self.binding, self.training, self.steps, self.batch = subject.binding, training, len(images) // batch, batch
        sample = (1,) if "sample" in subject.notation.noise_axes else ()
        self.noise_shape = (self.steps, *sample, batch, subject.spec.latent_dim)

    def pending(self) -> Any:
        return self.training.pending()

    def restore(self, weights: Mapping[str, Array]) -> None:
        self.training.restore(weights)

    def order(self) -> Array:
        return self.binding.array(self.rows)

    def noise(self) -> Array:
        return self.binding.array(self.drawn).reshape(self.steps, self.batch, -1)
