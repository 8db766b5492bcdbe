"""A term that was identified: the sum of a formula over its values, with a floor or a mask where one was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from .binding import LATENT, Binding, Layout
from .dictionary.formula import Array, Formula


@dataclass(frozen=True)
class Bend:
    """What happens to a KL at a threshold.

    Attributes:
        kind: `floor` (max), `mask` (0 below), `hinge` (max(0, K − λ)), `capacity` (|K − C|) or `ceiling` (min).
        per: `element`, `example`, `latent` (of the batch's mean) or `batch`.
        at: λ, in nats of the unit.
    """

    kind: str
    per: str
    at: float

    def of(self, value: Array) -> Array:
        """The bent value."""
        return _BENT[self.kind](value, self.at)


_BENT: dict[str, Callable[[Array, float], Array]] = {
    "floor": lambda k, at: np.maximum(k, at),
    "mask": lambda k, at: np.where(k > at, k, 0.0),
    "hinge": lambda k, at: np.maximum(k - at, 0.0),
    "capacity": lambda k, at: np.abs(k - at),
    "ceiling": lambda k, at: np.minimum(k, at),
}


@dataclass(frozen=True)
class Term:
    """Σ of a formula's elements over the batch and its own axes, averaged over draws.

    Attributes:
        formula: of one element.
        bend: what a threshold makes of it.
        per_kept: of what a masked sum is divided by the share that is kept: `batch`, `example` or nothing.
    """

    formula: Formula
    bend: Bend | None = None
    per_kept: str = ""

    def elements(self, values: Mapping[str, Array], layout: Layout) -> tuple[Array, tuple[str, ...]]:
        """The formula of each element, masked, with its axes."""
        spread, axes = self._spread(values, layout)
        masked = "mask" in values and not self.is_divergence
        value = np.asarray(self.formula.value(spread))
        shape = np.broadcast_shapes(value.shape, *(v.shape for v in spread.values()))
        value = np.broadcast_to(value, shape)
        if masked:
            keep = _spread(np.asarray(values["mask"], dtype=float), layout.axes("mask"), axes)
            each = tuple(place for place, axis in enumerate(axes) if axis != "N" or self.per_kept == "batch")
            value = value * keep / (keep.mean(axis=each, keepdims=True) if self.per_kept else 1.0)
        return value, axes

    def _spread(self, values: Mapping[str, Array], layout: Layout) -> tuple[dict[str, Array], tuple[str, ...]]:
        """The values of its roles on all their axes, and these."""
        named = {role: layout.axes(role) for role in self.formula.roles}
        axes = _joint(layout, [*named.values()])
        return {role: _spread(values[role], own, axes) for role, own in named.items()}, axes

    @property
    def is_divergence(self) -> bool:
        """Whether it is a KL or a log-ratio."""
        return bool(set(self.formula.roles) & set(LATENT))

    def value(self, values: Mapping[str, Array], layout: Layout) -> float:
        """The sum; in a mean over draws."""
        elements, axes = self.elements(values, layout)
        draws = elements.shape[axes.index("k")] if "k" in axes else 1
        if self.bend is None:
            return float(elements.sum()) / draws
        unit, count = self.units(elements, axes)
        return float(self.bend.of(unit).sum()) * count / draws

    def units(self, elements: Array, axes: tuple[str, ...]) -> tuple[Array, int]:
        """The sums that the threshold looks at, and how many examples each is a mean over."""
        assert self.bend is not None
        batch = axes.index("N") if "N" in axes else None
        count = elements.shape[batch] if batch is not None else 1
        if self.bend.per == "element":
            return elements, 1
        if self.bend.per == "example":
            return elements.sum(axis=tuple(a for a in range(elements.ndim) if a != batch)), 1
        if self.bend.per == "latent":
            return elements.sum(axis=batch) / count, count
        return np.asarray(elements.sum() / count), count

    def size(self, values: Mapping[str, Array], layout: Layout) -> float:
        """The sum of magnitudes, which rounding is relative to."""
        elements, _ = self.elements(values, layout)
        return float(np.abs(elements).sum()) + self.formula.size(self._spread(values, layout)[0])


def in_names(binding: Binding, term: Term) -> str:
    """A term's formula in the user's names."""
    names = {role: binding.name_of(role) for role in term.formula.roles}
    return (term.formula.text or term.formula.name).format(**names)


def _joint(layout: Layout, several: list[tuple[str, ...]]) -> tuple[str, ...]:
    """All axes, draws first, then the list, the batch and the rest."""
    found = {axis for axes in several for axis in axes}
    data = ("K", *layout.data) if layout.classes == "first" else (*layout.data, "K")
    order = dict.fromkeys(("k", "T", "N", *data, *layout.latent, "J2"))
    return tuple(axis for axis in order if axis in found)


def _spread(value: Array, own: tuple[str, ...], axes: tuple[str, ...]) -> Array:
    """A value with length-one axes where it has none."""
    shape, place = [], 0
    for axis in axes:
        if axis in own:
            shape.append(value.shape[place])
            place += 1
        else:
            shape.append(1)
    return value.reshape(shape)
