"""What must a framework's runner offer? A run of a model, operation by operation, in which outputs can be replaced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from ..dictionary.formula import Array


class Place(NamedTuple):
    """A tensor of a run: the number of the operation that returns it, −1 for the input x, and of its output."""

    operation: int
    output: int = 0


INPUT = Place(-1)


@dataclass
class Operation:
    """One operation of a run.

    Attributes:
        name: the framework's name of the operation.
        inputs: the tensors of the run among its arguments.
        outputs: the values that it returned.
        draws: `normal` for a draw from a normal density, `other` for another draw, empty for none.
    """

    name: str
    inputs: tuple[Place, ...]
    outputs: list[Array]
    draws: str = ""


@dataclass
class Run:
    """One run of a model.

    Attributes:
        x: the input.
        operations: all operations, in order.
        terms: name → returned number.
        returned: the places of the returned numbers.
        names: place → the user's name of the tensor.
        layers: place → the name of the layer whose output it is.
    """

    x: Array
    operations: list[Operation] = field(default_factory=list)
    terms: dict[str, Array] = field(default_factory=dict)
    returned: list[Place] = field(default_factory=list)
    names: dict[Place, str] = field(default_factory=dict)
    layers: dict[Place, str] = field(default_factory=dict)

    def value(self, place: Place) -> Array:
        """The value of a tensor."""
        return self.x if place == INPUT else self.operations[place.operation].outputs[place.output]

    def named(self, names: Mapping[Place, Collection[str]]) -> None:
        """Of all names of an output, keep the first that no other has; else the first."""
        shared = Counter(name for several in names.values() for name in several)
        for place, several in names.items():
            first = next(iter(several))
            self.names[place] = next((name for name in several if shared[name] == 1), first)

    def places(self) -> list[Place]:
        """The places of all outputs, in order."""
        return [Place(o, i) for o, one in enumerate(self.operations) for i in range(len(one.outputs))]

    def draws(self, kind: str) -> list[int]:
        """The numbers of the operations that draw in this way, `normal` or `other`."""
        return [place for place, one in enumerate(self.operations) if one.draws == kind]


@dataclass(frozen=True)
class Setting:
    """How a model is run.

    Attributes:
        training: whether it runs in training mode, else in evaluation mode.
        replaced: tensor → the value that replaces it.
        noise: operation → the standard normal values that it draws.
        skipped: operations that are not called; they return their outputs of the run `before`.
        before: the run with the outputs of skipped operations.
        parameters: attribute of the model → value.
        rebuilt: argument of the constructor → value with which the model is built anew.
        resized: size of a weight's axis → its other size.
        terms_only: whether only the returned numbers are needed, without the operations' outputs.
        dtype: the dtype of the model, its data and the replaced tensors.
    """

    training: bool = True
    replaced: Mapping[Place, Array] = field(default_factory=dict)
    noise: Mapping[int, Array] = field(default_factory=dict)
    skipped: frozenset[int] = frozenset()
    before: Run | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    rebuilt: Mapping[str, int] = field(default_factory=dict)
    resized: Mapping[int, int] = field(default_factory=dict)
    terms_only: bool = False
    dtype: str = "float64"


class Runner(Protocol):
    """Runs a model of one framework.

    Attributes:
        name: the framework.
        leaves_out: whether it can skip operations.
        resizes: whether it can run the model with weights of other sizes.
        unset: parameters that the user gave no value.
    """

    name: str
    unset: frozenset[str]
    leaves_out: bool
    resizes: bool

    @property
    def parameters(self) -> dict[str, float]:
        """Attribute of the model that is a number → its value."""

    @property
    def arguments(self) -> dict[str, int]:
        """Argument of the constructor that is an integer → its value."""

    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of x to try, in order."""

    def run(self, x: Array, setting: Setting) -> Run:
        """Run the model once.

        Args:
            x: the data, of a shape of `shapes`.
            setting: how it is run.

        Raises:
            LossFailed: the model raised.
        """

    def takes(self, shape: tuple[int, ...]) -> bool:
        """Whether the unchanged model runs on this shape of x; True if that cannot be told."""

    def gradients(self, x: Array, setting: Setting, of: tuple[str, ...] | Place) -> dict[object, Array | None] | None:
        """Gradients of the summed terms `of`, or of the tensor `of`, by each replaced tensor and each weight's name.

        None in place of a gradient says that it is not connected. None in place of all says that the framework has no
        gradients.
        """


@runtime_checkable
class RunnerInDtypes(Runner, Protocol):
    """A model that can be run in other dtypes than float64."""

    def has(self, dtype: str) -> bool:
        """Whether the model runs in a dtype."""

    def rounded(self, value: Array, dtype: str) -> Array:
        """Values rounded to a dtype, as float64."""


def same(one: Array, other: Array, exact: float = 1e-9) -> bool:
    """Whether two arrays have equal values up to a relative deviation of `exact`; their shapes may differ."""
    return one.size == other.size and bool(
        np.allclose(one.reshape(-1), other.reshape(-1), rtol=exact, atol=exact * 1e-3, equal_nan=True)
    )


def example(shape: tuple[int, ...], seed: int = 0, domain: str = "unit") -> Array:
    """Random data of a shape, in the domain `unit`, `binary` or `count`."""
    random = np.random.default_rng(seed)
    if domain == "unit":
        return random.uniform(0.1, 0.9, shape)
    return random.integers(0, 2 if domain == "binary" else 7, shape).astype(np.float64)


def domain_of(x: Array) -> str:
    """The domain of the values of `example`."""
    return "unit" if (x % 1).any() else "count" if (x > 1).any() else "binary"
