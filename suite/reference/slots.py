"""Canonical weights one by one, and those of the layers that families are built of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .spec import Spec

IMAGE = "(channel height width)"


@dataclass(frozen=True)
class Slot:
    """One canonical weight.

    Attributes:
        axes: by name, outermost first. Parentheses mark a composite axis, outermost part first:
            `out (channel height width)` is a matrix whose columns run over an image.
        shape: one size per axis.
        centre: what random weights vary about.
    """

    name: str
    axes: str
    shape: tuple[int, ...]
    centre: float = 0.0


def layer(name: str, fan_out: int, fan_in: int, *, out: str = "out", into: str = "in") -> Iterator[Slot]:
    """`<name>.weight` and `<name>.bias` of an affine layer; `out` and `into` name the axes."""
    yield Slot(f"{name}.weight", f"{out} {into}", (fan_out, fan_in))
    yield Slot(f"{name}.bias", out, (fan_out,))


def hidden_layers(spec: Spec, name: str, sizes: tuple[int, ...], *, into: str = "in") -> Iterator[Slot]:
    """`<name>.<i>` from each of `sizes` to the next, and what the activation needs beside it; `into` is data's axis."""
    for i, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        yield from layer(f"{name}.{i}", fan_out, fan_in, into=into if i == 0 else "in")
        yield from spec.activation_family.slots(f"{name}.{i}", fan_out, fan_in)
