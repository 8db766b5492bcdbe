"""Weight maps: canonical weights to a notation's own and back, each with its adjoint for gradients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..reference.errors import BadInput
from ..reference.spec import Spec
from ..reference.weights import weight_axes
from .axes import Axes, names_of, parse_axes, permute
from .notation import Notation, Weight

Array = NDArray[Any]


@dataclass(frozen=True)
class WeightMap:
    """The linear map published = scale · layout(canonical) for one weight.

    Attributes:
        entry: the row of the weights table that says it.
        canonical: canonical name.
        published: the name that the source prints.
        path: attribute path in the model, `encoder.layers.0.kernel`.
        canonical_axes, published_axes: the two layouts.
        sizes: sizes of the parts of composite axes.
        flip: axes that run backwards in the published layout.
        scale: the factor, e.g. 1/2 where a log standard deviation stands for a log-variance.
    """

    entry: Weight
    canonical: str
    published: str
    path: str
    canonical_axes: Axes
    published_axes: Axes
    sizes: Mapping[str, int]
    flip: tuple[str, ...]
    scale: float

    def to_published(self, weight: Array) -> Array:
        """A canonical weight in the published layout and scale."""
        return self._multiply(permute(weight, self.canonical_axes, self.published_axes, self.sizes, self.flip))

    def to_canonical(self, weight: Array) -> Array:
        """The inverse of `to_published`."""
        moved = permute(weight, self.published_axes, self.canonical_axes, self.sizes, self.flip)
        return moved if self.scale == 1 else moved / weight.dtype.type(self.scale)

    def gradient_to_canonical(self, gradient: Array) -> Array:
        """The adjoint of `to_published`: a gradient by the published weight as the gradient by the canonical one."""
        return self._multiply(permute(gradient, self.published_axes, self.canonical_axes, self.sizes, self.flip))

    def _multiply(self, array: Array) -> Array:
        return array if self.scale == 1 else array * array.dtype.type(self.scale)


def weight_maps(notation: Notation, framework: str, spec: Spec) -> dict[str, WeightMap]:
    """The maps of all canonical weights of a specification, in the order of data flow.

    Raises:
        BadInput: notation.toml has no entry for a weight, or its axes are not those of the canonical weight.
    """
    sizes = {"row": spec.latent_dim, "column": spec.latent_dim}
    if spec.network == "conv":
        sizes |= zip(("channel", "height", "width"), spec.bottom_shape, strict=True)
    maps: dict[str, WeightMap] = {}
    for canonical, axes in weight_axes(spec).items():
        found = notation.weight(canonical, spec)
        if found is None:
            model = f"network {spec.network}, likelihood {spec.likelihood}"
            raise BadInput(f"{notation.path}: weights: no entry for '{canonical}' ({model})")
        entry, numbers = found
        place = entry.places[framework]
        source, target = parse_axes(axes), parse_axes(place.axes)
        if sorted(names_of(source)) != sorted(names_of(target)):
            raise BadInput(
                f"{notation.path}: weights: '{canonical}' for {framework}: "
                f"expected the axes of '{axes}'; found '{place.axes}'"
            )
        maps[canonical] = WeightMap(
            entry=entry,
            canonical=canonical,
            published=entry.published.format(**numbers),
            path=place.path.format(**numbers),
            canonical_axes=source,
            published_axes=target,
            sizes=sizes,
            flip=entry.flip,
            scale=entry.scale,
        )
    return maps


def published_weights(maps: Mapping[str, WeightMap], weights: Mapping[str, Array], dtype: str) -> dict[str, Array]:
    """Canonical float64 weights as a model's own, by attribute path, rounded to `dtype` before they are mapped."""
    return {m.path: m.to_published(weights[name].astype(np.dtype(dtype))) for name, m in maps.items()}
