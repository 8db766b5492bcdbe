"""Facts: what one notation's own code returned on one backend, by the names in that code, whatever they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Failure:
    """A claim that could not even be executed.

    Attributes:
        probe: on which it was tried.
        field: of notation.toml, `methods.encoder`.
        reason: what was raised.
    """

    probe: str
    field: str
    reason: str


@dataclass
class Facts:
    """What ran, and what it returned.

    Attributes:
        framework, backend: whose file ran, and on what.
        failures: what could not run.
        device, dtype: of the objective that came out, as the framework says; as asked for where nothing ran.
        model_class: the class that was built.
        methods: field of `methods` → the method that was called for it.
        arguments: probe → parameter of the constructor → what it was given.
        defaults: parameter of the model's constructor → its default; None where it has none.
        parameters: method → the names of its parameters.
        numbers: probe → name in the model's code → the plain numbers that it stood for while the probe ran.
        dependency: probe → output → attribute path of a weight → norm of the gradient by it.
        tensors: `<probe>/<what>/<name>` → array, where what is `quantity` and `published` (what the two methods for
            quantities return), `input` (what they were given, by the name of the parameter), `weight` (by attribute
            path), `encoder` and `decoder` (outputs by number), `density`, and `objective` (under the names of its two
            methods; averaged over draws that the source makes one by one).
    """

    framework: str
    backend: str
    failures: list[Failure] = field(default_factory=list)
    device: str = "cpu"
    dtype: str = "float64"
    model_class: str = ""
    methods: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, dict[str, Any]] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, list[str]] = field(default_factory=dict)
    numbers: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    dependency: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    tensors: dict[str, Array] = field(default_factory=dict)

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

    def as_json(self) -> dict[str, Any]:
        """All but the tensors, as plain JSON values."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("failures", "tensors")}
        return {**plain, "failures": [vars(failure) for failure in self.failures]}


def facts_of(document: Mapping[str, Any], tensors: Mapping[str, Array]) -> Facts:
    """Facts as `Facts.as_json` and their tensors' file have them."""
    failures = [Failure(**failure) for failure in document["failures"]]
    rest = {name: value for name, value in document.items() if name != "failures"}
    return Facts(**rest, failures=failures, tensors=dict(tensors))
