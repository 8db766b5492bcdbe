"""The contents of a notation.toml as validated, frozen data, which `reader` makes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ..reference.spec import Spec
from .fields import When as When
from .schema import Misprint as Misprint
from .schema import Objective as Objective
from .schema import OtherObjective, Place, Source
from .schema import Supports as Supports
from .schema import Symbol as Symbol


@dataclass(frozen=True)
class Methods:
    """The names of the model's methods (docs/notation.md says what each takes and returns).

    `encoder_returns` is by posterior and `decoder_returns` by likelihood; `encoder` is None where there is none.
    """

    encoder: str | None
    encoder_returns: Mapping[str, tuple[str, ...]]
    decoder: str
    decoder_returns: Mapping[str, tuple[str, ...]]
    quantities: str
    objective: str
    densities: str | None = None
    quantities_as_published: str | None = None
    objective_as_published: str | None = None


@dataclass(frozen=True)
class Weight:
    """One row (or, with `{i}`, one family of rows) of the weights table: published = scale · layout(canonical).

    `{j}` is a second layer number; `when` says under which specifications the row holds.
    """

    canonical: str
    published: str
    places: Mapping[str, Place]
    scale: float = 1.0
    flip: tuple[str, ...] = ()
    when: When = field(default_factory=When)


@dataclass(frozen=True)
class Claim:
    """Which canonical weights (patterns) the subscript of a printed distribution covers.

    `distribution` is the code of a symbol whose kind is a distribution.
    """

    distribution: str
    weights: tuple[str, ...]
    equation: str = ""


@dataclass(frozen=True)
class Notation:
    """One published way to write the VAE, as its notation.toml says.

    `names` has the Greek and subscripted names of the code that stand for no role, each with what it is, as prose;
    `letters` those that the source prints and the code has not, by their TeX.
    """

    id: str
    path: Path
    source: Source
    model_class: str
    arguments: Mapping[str, str]
    source_configuration: Mapping[str, Any]
    supports: Supports
    methods: Methods
    symbols: tuple[Symbol, ...]
    layout: Mapping[str, tuple[str, ...]]
    objective: Objective
    other_objectives: tuple[OtherObjective, ...]
    weights: tuple[Weight, ...]
    claims: tuple[Claim, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    letters: Mapping[str, str] = field(default_factory=dict)
    misprints: tuple[Misprint, ...] = ()

    def unsupported(self, spec: Spec) -> str | None:
        """Why the source does not define this specification; None where it does."""
        for condition, defined in self.supports.words.items():
            if (word := spec.word(condition)) not in defined:
                return f"{self.id} defines no {condition} '{word}'; it has {', '.join(defined)}"
        variances = self.supports.variances
        if variances is not None and spec.variance not in (None, *variances):
            return f"{self.id} defines no variance {spec.variance:g}; it has {', '.join(f'{v:g}' for v in variances)}"
        if self.supports.depth is not None and len(spec.hidden) > self.supports.depth:
            return f"{self.id} defines at most {self.supports.depth} hidden layer(s); this spec has {len(spec.hidden)}"
        return None

    def adapted(self, spec: Spec) -> bool:
        """Whether the specification leaves the source's own architecture (sizes are free: sources vary them)."""
        own = self.source_configuration
        if any(name in own and own[name] != getattr(spec, name) for name in ("network", "activation")):
            return True
        return "hidden" in own and len(own["hidden"]) != len(spec.hidden)

    def model_arguments(self, spec: Spec) -> dict[str, Any]:
        """Constructor arguments of the model for a specification; a field without a value keeps the model's default."""
        values: dict[str, Any] = {}
        for argument, name in self.arguments.items():
            attribute, _, index = name.partition(".")
            value = getattr(spec, attribute)
            if value is not None:
                values[argument] = value[int(index)] if index else value
        return values

    def computed(self, spec: Spec) -> list[Symbol]:
        """The symbols that the model's quantities hold for a specification."""
        return [s for s in self.symbols if s.quantity is not None and spec.meets(s.when)]

    def symbol(self, role: str, spec: Spec) -> Symbol | None:
        """The computed symbol of a role, if the source defines one."""
        return next((s for s in self.computed(spec) if s.role == role), None)

    def axes_of(self, symbol: Symbol, framework: str, spec: Spec) -> tuple[str, ...]:
        """Axes of a symbol's tensor; data and decoder outputs of a convolutional network travel as images."""
        if spec.network == "conv" and symbol.role in ("data", "decoder_logits", "decoder_probability") and self.layout:
            image = tuple(axis for axis in self.layout[framework] if axis != "batch")
            return tuple(part for axis in symbol.axes for part in (image if axis == "data" else (axis,)))
        return symbol.axes

    @property
    def noise_axes(self) -> tuple[str, ...]:
        """Axes of the noise that the methods take: with `sample` all draws at once, without it one draw a call."""
        return next(s.axes for s in self.symbols if s.role == "noise")

    def weight(self, canonical: str, spec: Spec) -> tuple[Weight, dict[str, str]] | None:
        """The weights entry of a canonical name and the layer numbers in it, by placeholder."""
        for entry in self.weights:
            if not spec.meets(entry.when):
                continue
            if match := matched(entry, canonical):
                return entry, match.groupdict()
        return None


def matched(entry: Weight, canonical: str) -> re.Match[str] | None:
    """The layer numbers of a canonical name as groups, where the row's pattern fits it, whatever its `when`."""
    return _pattern(entry.canonical).fullmatch(canonical)


@cache
def _pattern(canonical: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{([ij])\\}", r"(?P<\1>\\d+)", re.escape(canonical)))
