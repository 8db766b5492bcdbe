"""Facts: what one notation's own code returned on one backend, by the names in that code.

Also the cells that gather facts: the task that a worker is given for a cell, and its record.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import msgspec
import numpy as np

from ..reference.problem import Array
from ..workers.jobs import Measure
from ..workers.records import CellRecord, Number
from ..workers.tasks import CellTask

ALL = "all outputs"
"""The name of a random combination of what a method returns."""
LOSS = "loss"
"""The name of the loss that Keras' `fit` minimises, among the outputs of ordinary use."""


class Failure(msgspec.Struct, frozen=True):
    """A claim that could not even be executed.

    Attributes:
        probe: the probe on which it was tried.
        field: the field of notation.toml, such as `methods.encoder`.
        reason: what was raised.
    """

    probe: str
    field: str
    reason: str


class Slope(msgspec.Struct, frozen=True):
    """The sum of an output's elements along one direction in the space of all weights.

    Attributes:
        output: its name, or `ALL` for a random combination of all of them.
        measured: by differences of the values.
        differentiated: by the framework.
        allowed: the largest difference of the two that rounding and the length of the step explain.
    """

    output: str
    measured: Number
    differentiated: Number
    allowed: Number

    @property
    def agrees(self) -> bool:
        return abs(float(self.measured) - float(self.differentiated)) <= float(self.allowed)


class Facts(msgspec.Struct, dict=True):
    """The code that ran, and its outputs; a record has all of them but the arrays.

    Attributes:
        framework, backend: the framework whose file ran, and the backend.
        failures: what could not run.
        device, dtype: of the computed objective, as the framework reports; the requested ones where nothing ran.
        model_class: the class that was built.
        methods: field of `methods` → the method that was called for it.
        arguments: probe → parameter of the constructor → what it was given.
        defaults: parameter of the model's constructor → its default; None where it has none.
        parameters: method → the names of its parameters.
        slopes: probe → method → whether its outputs change with the weights as their gradients say.
        draws: probe → how many draws of the latents ordinary use made, and how many it was asked for by name.
        numbers: probe → name in the model's code → the plain numbers that it stood for while the probe ran.
        dependency: probe → output → attribute path of a weight → norm of the gradient by it.
        tensors: `<probe>/<what>/<name>` → array, where what is `quantity` and `published` (what the two methods for
            quantities return), `input` (what they were given, by the name of the parameter), `weight` (by attribute
            path), `encoder` and `decoder` (outputs by number), `density`, `forward` (outputs of the model by number,
            and what `fit` minimises, at noise that was handed to it), `drawn` and `reduced` (quantities and objectives
            at the same noise), and `objective` (under the names of its two methods; averaged over draws that the source
            makes one by one). They are in the record's file of tensors.
    """

    framework: str
    backend: str
    failures: list[Failure] = []
    device: str = "cpu"
    dtype: str = "float64"
    model_class: str = ""
    methods: dict[str, str] = {}
    arguments: dict[str, dict[str, Any]] = {}
    defaults: dict[str, Any] = {}
    parameters: dict[str, list[str]] = {}
    slopes: dict[str, dict[str, list[Slope]]] = {}
    draws: dict[str, tuple[int, int]] = {}
    numbers: dict[str, dict[str, list[Number]]] = {}
    dependency: dict[str, dict[str, dict[str, Number]]] = {}

    def __post_init__(self) -> None:
        self.tensors: dict[str, Array] = {}

    def of(self, probe: str, what: str) -> dict[str, Array]:
        """The tensors of one kind of one probe, by name."""
        start = f"{probe}/{what}/"
        return {name.removeprefix(start): self.tensors[name] for name in self._names.get(start, ())}

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        """The names of all tensors by what they begin with."""
        names: dict[str, list[str]] = {}
        for name in self.tensors:
            probe, what, _ = name.split("/", 2)
            names.setdefault(f"{probe}/{what}/", []).append(name)
        return names

    def put(self, probe: str, what: str, name: str, array: Array) -> None:
        self.tensors[f"{probe}/{what}/{name}"] = np.asarray(array)
        self.__dict__.pop("_names", None)


def facts_of(facts: Facts, tensors: Mapping[str, Array]) -> Facts:
    """The facts of a record, with the arrays of its file of tensors."""
    whole = msgspec.structs.replace(facts)
    whole.tensors |= tensors
    return whole


def as_json(value: Any) -> Any:
    """A value of a specification as JSON has it."""
    return list(value) if isinstance(value, tuple) else value


class ClaimsRecord(CellRecord, frozen=True, kw_only=True, tag="claims"):
    """What a notation's code returned on one backend; the arrays are in a file of tensors."""

    facts: Facts | None = None


class ClaimsTask(CellTask, frozen=True):
    """A cell that gathers facts, with what a worker needs to run it.

    Attributes:
        package: what the implementation is imported from.
        notation_file: a path.
    """

    measure: ClassVar[Measure] = "claims.measure"
    record: ClassVar[type[ClaimsRecord]] = ClaimsRecord

    package: str
    notation_file: str
