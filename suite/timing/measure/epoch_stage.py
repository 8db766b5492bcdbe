"""The stage `epoch`: a pass over a data set through a whole input path, proven on a short one of the same kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...backends import Graphs
from ...reference.adam import Adam
from ...reference.problem import Problem
from ...workers.subject import Subject
from ..proof import NOISE, ORDER, PASS, PASS_STEPS
from ..recipes import tuned_epoch
from .device import open_timing
from .stages import Stage, adam_of, total_bound
from .training import Epoch

Array = NDArray[Any]


class EpochStage(Stage):
    """Passes over a data set, as the source or the documentation makes them, or tuned.

    What a pass computes depends on all its updates. The proof is a pass of `PASS_STEPS` minibatches over the first
    images, by the same code and with the same model: the reference trains along on the order and the noise that it
    took.

    Args:
        make: images → passes over them.
        images: [data count, data], unsigned bytes.
        start: weights by attribute path, which every proof starts from.
        batch: images per step.
    """

    draws = True

    def __init__(
        self, subject: Subject, make: Callable[[Array], Epoch], images: Array, start: Mapping[str, Array], batch: int
    ):
        self.epoch, self.short = make(images), make(images[: PASS_STEPS * batch])
        super().__init__(subject, self.epoch.steps * batch)
        self.start, self.batch = start, batch
        self.synchronize = subject.binding.synchronize

    def __call__(self) -> Any:
        return self._run(self.epoch)

    def _run(self, epoch: Epoch) -> Any:
        value = epoch.run()
        self.synchronize((value, epoch.pending()))
        self.latest = value
        return value

    def tensors(self, outputs: Any) -> dict[str, Array]:
        """Of a short pass from the first weights: its sum of objectives, and what it took and drew."""
        self.short.restore(self.start)
        self.short.seed(self.draw)
        total = self.subject.binding.array(self._run(self.short))
        order, noise = self.short.order(), self.short.noise()
        self.restore()
        images = self.short.steps * self.batch
        # A sum of objectives is one objective of that many images, each step reduced over its own batch.
        scale = self.short.steps if self.subject.notation.objective.data != "sum" else 1
        bound = total_bound(self.subject, np.asarray(total / scale), images)
        return {PASS: bound, ORDER: order.astype(np.float64), NOISE: noise.astype(np.float64)}

    def adam(self) -> Adam:
        return adam_of(self.subject, self.batch)

    def graphs(self) -> Graphs | None:
        return None

    def restore(self) -> None:
        self.epoch.restore(self.start)


def make_epoch(subject: Subject, problem: Problem, images: Array, batch: int, *, last_step: str = "") -> EpochStage:
    """The stage `epoch` of a subject.

    Args:
        subject: a model with the problem's weights.
        problem: whose weights every proof starts from.
        images: [data count, data], unsigned bytes.
        batch: images per step.
        last_step: the last optimisation step that is turned on, where the subject's mode is `tuned`.
    """
    start = subject.starting_weights(problem)
    if subject.mode == "tuned":
        return EpochStage(subject, lambda part: tuned_epoch(subject, last_step, part, batch), images, start, batch)

    def published(part: Array) -> Epoch:
        laid_out = subject.laid_out(part.astype(np.float64)).astype(np.uint8)
        return open_timing(subject.binding).epoch(subject, laid_out, batch)

    return EpochStage(subject, published, images, start, batch)
