"""What makes a stage fast in its framework: rungs of a ladder, each with one thing more than the one before it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

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


FORWARD = ("encoder", "decoder", "elbo")
"""The stages without gradients."""

Options = TypeVar("Options")


class Ladder(Generic[Options]):
    """The rungs of a stage by name, from the plainest on; each has the options of the one before it, and some more.

    Args:
        options: a frozen dataclass, with everything turned off.
    """

    def __init__(self, options: Options):
        self._options = options
        self._rungs: dict[str, tuple[Rung, Options]] = {}

    def add(self, name: str, adds: str, **turned_on: bool) -> None:
        """One rung more, the fastest as far as is known: `adds` is a line of Markdown."""
        self._options = replace(self._options, **turned_on)  # type: ignore[type-var]  # a dataclass
        self._rungs[name] = Rung(name, adds), self._options

    def rungs(self) -> tuple[Rung, ...]:
        """From the plainest on."""
        return tuple(rung for rung, _ in self._rungs.values())

    def options(self, name: str) -> Options:
        """What is turned on at a rung.

        Raises:
            ValueError: the ladder has no such rung.
        """
        if name not in self._rungs:
            raise ValueError(f"rung '{name}': expected one of {', '.join(self._rungs) or 'none'}")
        return self._rungs[name][1]


class Tuner(ABC):
    """The ladders of one framework, and the calls that they lead to.

    A rung stays inside of its framework and computes the notation's own method, or its published objective in logits:
    what it changes is how.
    """

    def __init__(self, binding: Binding):
        self.binding = binding

    @abstractmethod
    def ladder(self, spec: Spec, stage: str, batch: int, dtype: str) -> Ladder[Any]:
        """The rungs of a stage; the fastest is found by timing. Empty where nothing is tuned."""

    @abstractmethod
    def forward(
        self, subject: Subject, stage: str, rung: str, function: Forward, inputs: tuple[Tensor, ...], batch: int
    ) -> Forward:
        """`function(*inputs)` without gradients.

        Args:
            subject: whose method it is.
            stage: which of `FORWARD` it is.
            rung: name of one of the ladder's rungs.
            function: `encoder`, `decoder` or the objective.
            inputs: the tensors that it will be called with, as examples: shapes may be fixed by them.
            batch: images per call.
        """

    @abstractmethod
    def training(self, subject: Subject, rung: str, inputs: tuple[Tensor, Tensor], batch: int) -> Training:
        """Steps of Adam, as `stages.ADAM` has it, on the published objective.

        Args:
            subject: whose objective it is.
            rung: name of one of the ladder's rungs.
            inputs: x and noise that it will be called with, as examples.
            batch: images per call.
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
