"""What is the value of an identified term? The sum of its formula over all elements, with its mask and threshold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from .binding import LATENT, Binding, Layout
from .dictionary.formula import Array, Formula


@dataclass(frozen=True)
class Bend:
    """The threshold λ of a KL.

    Attributes:
        kind: `floor`: max(K, λ), the free bits of Kingma et al. (2016); `mask`: K above λ, else 0; `hinge`:
            max(K − λ, 0); `capacity`: |K − λ|, as in Burgess et al. (2018); `ceiling`: min(K, λ).
        per: the unit whose K is compared with λ: `element` (K_nj), `example` (Σ_j K_nj), `latent` (mean_n K_nj) or
            `batch` (mean_n Σ_j K_nj).
        at: λ, in nats per unit.
    """

    kind: str
    per: str
    at: float

    def of(self, value: Array) -> Array:
        """The KL of each unit after the threshold, in nats; `value` is the KL of each unit."""
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
    """The sum of a formula over the batch and the data or latent axes, averaged over draws.

    Attributes:
        formula: the formula of one element.
        bend: the threshold, if there is one.
        per_kept: `batch` or `example` if a masked sum is divided by the share of kept elements in it; else empty.
    """

    formula: Formula
    bend: Bend | None = None
    per_kept: str = ""

    def elements(self, values: Mapping[str, Array], layout: Layout) -> tuple[Array, tuple[str, ...]]:
        """The formula at each element, times the mask, and the names of the array's axes."""
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
        """The values of its roles, broadcast to their common axes, and the names of these axes."""
        named = {role: layout.axes(role) for role in self.formula.roles}
        axes = _joint(layout, [*named.values()])
        return {role: _spread(values[role], own, axes) for role, own in named.items()}, axes

    @property
    def is_divergence(self) -> bool:
        """Whether the term is a KL, or log q(z) − log p(z)."""
        return bool(set(self.formula.roles) & set(LATENT))

    def value(self, values: Mapping[str, Array], layout: Layout) -> float:
        """The term in nats, averaged over draws."""
        elements, axes = self.elements(values, layout)
        draws = elements.shape[axes.index("k")] if "k" in axes else 1
        if self.bend is None:
            return float(elements.sum()) / draws
        unit, count = self.units(elements, axes)
        return float(self.bend.of(unit).sum()) * count / draws

    def units(self, elements: Array, axes: tuple[str, ...]) -> tuple[Array, int]:
        """The KL of each unit that is compared with the threshold, and the number of examples in its mean."""
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
        """The sum of the magnitudes of all parts, to which rounding errors are relative."""
        elements, _ = self.elements(values, layout)
        return float(np.abs(elements).sum()) + self.formula.size(self._spread(values, layout)[0])


def in_names(term: Term, binding: Binding) -> str:
    """The formula of a term in the user's argument names."""
    names = {role: binding.name_of(role) for role in term.formula.roles}
    return (term.formula.text or term.formula.name).format(**names)


def _joint(layout: Layout, several: list[tuple[str, ...]]) -> tuple[str, ...]:
    """The union of several axes: draws, list, batch, data, latents."""
    found = {axis for axes in several for axis in axes}
    data = ("K", *layout.data) if layout.classes == "first" else (*layout.data, "K")
    order = dict.fromkeys(("k", "T", "N", *data, *layout.latent, "J2"))
    return tuple(axis for axis in order if axis in found)


def _spread(value: Array, own: tuple[str, ...], axes: tuple[str, ...]) -> Array:
    """A value with an axis of length one for each of `axes` that it lacks."""
    shape, place = [], 0
    for axis in axes:
        if axis in own:
            shape.append(value.shape[place])
            place += 1
        else:
            shape.append(1)
    return value.reshape(shape)
