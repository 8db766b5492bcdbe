"""One run of a model, operation by operation, and what a framework's runner is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from ..dictionary.formula import Array


class Place(NamedTuple):
    """An output of an operation; of the input, the operation is -1."""

    operation: int
    output: int = 0


INPUT = Place(-1)


@dataclass
class Operation:
    """What was called, on which outputs of earlier operations, and what came out.

    Attributes:
        draws: `normal` where it draws from a normal density, `other` where it draws something else, or nothing.
    """

    name: str
    inputs: tuple[Place, ...]
    outputs: list[Array]
    draws: str = ""


@dataclass
class Run:
    """A run.

    Attributes:
        operations: in order.
        terms, returned: the numbers that it returned, and their places.
        names: the user's, of tensors.
        layers: output → the name of the layer that makes it.
    """

    x: Array
    operations: list[Operation] = field(default_factory=list)
    terms: dict[str, Array] = field(default_factory=dict)
    returned: list[Place] = field(default_factory=list)
    names: dict[Place, str] = field(default_factory=dict)
    layers: dict[Place, str] = field(default_factory=dict)

    def value(self, place: Place) -> Array:
        """The values at a place."""
        return self.x if place == INPUT else self.operations[place.operation].outputs[place.output]

    def named(self, names: Mapping[Place, Collection[str]]) -> None:
        """Of all names of an output, keep the first that no other has; else the first."""
        shared = Counter(name for several in names.values() for name in several)
        for place, several in names.items():
            first = next(iter(several))
            self.names[place] = next((name for name in several if shared[name] == 1), first)

    def places(self) -> list[Place]:
        """Every output, in order."""
        return [Place(o, i) for o, one in enumerate(self.operations) for i in range(len(one.outputs))]

    def draws(self, kind: str) -> list[int]:
        """The operations that draw."""
        return [place for place, one in enumerate(self.operations) if one.draws == kind]


@dataclass(frozen=True)
class Setting:
    """How a model is run.

    Attributes:
        training: training mode, or evaluation mode.
        replaced: outputs that are replaced by these values.
        noise: operation → the standard normal values that it draws.
        frozen: operations that are not called and give what they gave in `before`.
        parameters: attributes of the model.
        rebuilt: arguments with which the model is built anew.
        resized: sizes of its weights' axes → other sizes.
        terms_only: whether the operations' outputs are of no interest.
        dtype: of the model, its data and what is replaced.
    """

    training: bool = True
    replaced: Mapping[Place, Array] = field(default_factory=dict)
    noise: Mapping[int, Array] = field(default_factory=dict)
    frozen: frozenset[int] = frozenset()
    before: Run | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    rebuilt: Mapping[str, int] = field(default_factory=dict)
    resized: Mapping[int, int] = field(default_factory=dict)
    terms_only: bool = False
    dtype: str = "float64"


class Runner(Protocol):
    """A model of one framework.

    Attributes:
        leaves_out: whether operations can be left out of a run.
        resizes: whether it runs with weights of other sizes.
    """

    name: str
    leaves_out: bool
    resizes: bool

    @property
    def parameters(self) -> dict[str, float]:
        """Attributes that are numbers."""

    @property
    def arguments(self) -> dict[str, int]:
        """The arguments with which it is built that are integers."""

    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of x that are tried, in order."""

    def run(self, x: Array, setting: Setting) -> Run:
        """Run it.

        Raises:
            LossFailed: it raised.
        """

    def takes(self, shape: tuple[int, ...]) -> bool:
        """Whether the model as it is made runs on this shape of x, or it cannot be told."""

    def slopes(self, x: Array, setting: Setting, of: tuple[str, ...] | Place) -> dict[object, Array | None] | None:
        """Gradients of the sum of terms, or of an output, by each replaced place and each weight's name.

        None in place of a gradient says that none is connected; None in place of all, that there are none to be had.
        """


@runtime_checkable
class RunnerInDtypes(Runner, Protocol):
    """A model that can be run in other dtypes than float64."""

    def has(self, dtype: str) -> bool:
        """Whether it runs in a dtype."""

    def rounded(self, value: Array, dtype: str) -> Array:
        """Values as the dtype holds them, in float64."""


def same(one: Array, other: Array, exact: float = 1e-9) -> bool:
    """Whether two outputs have equal values, in whatever shape."""
    return one.size == other.size and bool(
        np.allclose(one.reshape(-1), other.reshape(-1), rtol=exact, atol=exact * 1e-3, equal_nan=True)
    )


def example(shape: tuple[int, ...], seed: int = 0, domain: str = "unit") -> Array:
    """Data of our own, in a domain of `lab`."""
    random = np.random.default_rng(seed)
    if domain == "unit":
        return random.uniform(0.1, 0.9, shape)
    return random.integers(0, 2 if domain == "binary" else 7, shape).astype(np.float64)


def domain_of(x: Array) -> str:
    """The domain of an example."""
    return "unit" if (x % 1).any() else "count" if (x > 1).any() else "binary"
