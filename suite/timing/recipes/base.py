"""What makes a stage fast in its framework: optimisation steps, each of which adds one setting to those before it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from ...backends import Binding
from ...backends.base import Forward, Tensor
from ...reference.spec import Spec
from ...workers.subject import Subject
from ..measure.training import Epoch, Training


@dataclass(frozen=True)
class Step:
    """One optimisation step of a stage.

    Attributes:
        name: short, for records and options, e.g. `fused-adam`.
        adds: what the step has more than the one before it, in a line of Markdown, e.g. "`Adam(fused=True)`".
    """

    name: str
    adds: str


FORWARD = ("encoder", "decoder", "elbo")
"""The stages without gradients."""


def turned_on(steps: Sequence[Step], name: str) -> frozenset[str]:
    """The names of a step and of all steps before it.

    Args:
        steps: of one stage, in order.
        name: of the last step that is turned on.

    Raises:
        ValueError: the stage has no such step.
    """
    names = [step.name for step in steps]
    if name not in names:
        raise ValueError(f"rung '{name}': expected one of {', '.join(names) or 'none'}")
    return frozenset(names[: names.index(name) + 1])


class Tuner(ABC):
    """The optimisation steps of one framework, and the calls that they lead to.

    A step stays inside of its framework and computes the notation's own method, or its published objective in logits:
    a step changes how, not what.
    """

    def __init__(self, binding: Binding):
        self.binding = binding

    @abstractmethod
    def steps(self, spec: Spec, stage: str, batch: int, dtype: str) -> tuple[Step, ...]:
        """The steps of a stage, from the plainest on; timing finds the fastest. Empty where nothing is tuned.

        Args:
            spec: the model.
            stage: one of `stages.STAGES`.
            batch: images per call.
            dtype: of the products.
        """

    def on(self, subject: Subject, stage: str, last_step: str, batch: int) -> frozenset[str]:
        """The names of the steps that are turned on in a subject's stage. Raises ValueError: there is no such step."""
        return turned_on(self.steps(subject.spec, stage, batch, subject.dtype), last_step)

    @abstractmethod
    def forward(
        self, subject: Subject, stage: str, last_step: str, function: Forward, inputs: tuple[Tensor, ...], batch: int
    ) -> Forward:
        """`function(*inputs)` without gradients.

        Args:
            subject: whose method it is.
            stage: which of `FORWARD` it is.
            last_step: the last step that is turned on.
            function: `encoder`, `decoder` or the objective.
            inputs: the tensors that it will be called with, as examples: shapes may be fixed by them.
            batch: images per call.
        """

    @abstractmethod
    def training(self, subject: Subject, last_step: str, inputs: tuple[Tensor, Tensor], batch: int) -> Training:
        """Steps of Adam, as `training.ADAM` has it, on the published objective.

        Args:
            subject: whose objective it is.
            last_step: the last step that is turned on.
            inputs: x and noise that it will be called with, as examples.
            batch: images per call.
        """

    @abstractmethod
    def epoch(self, subject: Subject, last_step: str, images: NDArray[Any], batch: int) -> Epoch:
        """Passes over a data set.

        Args:
            subject: whose objective is trained.
            last_step: the last step that is turned on.
            images: [data count, data], unsigned bytes; a pixel is its byte / 255.
            batch: images per step; what is left at the end is dropped.
        """
