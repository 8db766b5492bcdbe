"""Axes by name: the one place where a layout is permuted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Axes = tuple[tuple[str, ...], ...]


def parse_axes(text: str) -> Axes:
    """`"out (channel height width)"` → one tuple of parts per array axis, outermost first.

    Raises:
        ValueError: the text is not a list of names, with composite axes in parentheses, or repeats a name.
    """
    pieces = re.findall(r"\(([^()]*)\)|([a-z_]+)", text)
    axes = tuple(tuple(group.split()) if group else (name,) for group, name in pieces)
    names = names_of(axes)
    rest = re.sub(r"\([a-z_ ]+\)|[a-z_]+|\s", "", text)
    if rest or not names or len(set(names)) != len(names):
        raise ValueError(f"'{text}' is not a list of axes; expected names such as 'out (channel height width)'")
    return axes


def names_of(axes: Axes) -> list[str]:
    """The names of all axes and parts of axes, outermost first."""
    return [part for axis in axes for part in axis]


def permute(array: Array, source: Axes, target: Axes, sizes: Mapping[str, int], flip: Sequence[str] = ()) -> Array:
    """Bring an array from one layout to another: split composite axes, flip, transpose, merge.

    Args:
        array: axes as `source` says.
        source: the layout that the array has.
        target: the layout to bring it to; the same names.
        sizes: sizes of the parts of composite axes.
        flip: names of the axes to reverse.

    Returns:
        The array in the target layout, contiguous.
    """
    names = names_of(source)
    shape: list[int] = []
    for axis, size in zip(source, array.shape, strict=True):
        shape += [size] if len(axis) == 1 else [sizes[part] for part in axis]
    lengths = dict(zip(names, shape, strict=True))
    split = array.reshape(shape)
    split = np.flip(split, tuple(names.index(name) for name in flip))
    moved = split.transpose([names.index(name) for name in names_of(target)])
    merged = moved.reshape([prod(lengths[part] for part in axis) for axis in target])
    return np.asarray(merged, order="C")  # np.ascontiguousarray gives a scalar an axis
