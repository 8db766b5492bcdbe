"""What makes a stage fast in its framework: rungs of a ladder, each with one thing more than the one before it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from ...definition.spec import Spec
from ..bindings import Binding, Epoch, Training
from ..bindings.base import Forward, Tensor
from ..subject import Subject


@dataclass(frozen=True)
class Rung:
    """One way to compute a stage.

    Attributes:
        name: short, for records and options, e.g. `fused-adam`.
        adds: what it has more than the rung before it, in a line of Markdown, e.g. "`Adam(fused=True)`".
    """

    name: str
    adds: str


class Tuner(ABC):
    """The ladders of one framework, and the calls that they lead to.

    A rung stays inside of its framework and computes the notation's own method, or its published objective in logits:
    what it changes is how.
    """

    def __init__(self, binding: Binding):
        self.binding = binding

    @abstractmethod
    def ladder(self, spec: Spec, stage: str, batch: int, dtype: str) -> tuple[Rung, ...]:
        """The rungs of a stage, from the plainest on; the fastest is found by timing. Empty where nothing is tuned."""

    @abstractmethod
    def forward(self, subject: Subject, rung: str, function: Forward, inputs: tuple[Tensor, ...]) -> Forward:
        """`function(*inputs)` without gradients.

        Args:
            subject: whose method it is.
            rung: name of one of the ladder's rungs.
            function: `encoder`, `decoder` or the objective.
            inputs: the tensors that it will be called with, as examples: shapes may be fixed by them.
        """

    @abstractmethod
    def training(self, subject: Subject, rung: str, inputs: tuple[Tensor, Tensor]) -> Training:
        """Steps of Adam, as `stages.ADAM` has it, on the published objective.

        Args:
            subject: whose objective it is.
            rung: name of one of the ladder's rungs.
            inputs: x and noise that it will be called with, as examples.
        """

    @abstractmethod
    def epoch(self, subject: Subject, rung: str, images: NDArray[Any], batch: int) -> Epoch:
        """Passes over a data set.

        Args:
            subject: whose objective is trained.
            rung: name of one of the ladder's rungs.
            images: [data count, data], unsigned bytes; a pixel is its byte / 255.
            batch: images per step; what is left at the end is dropped.
        """
