"""Which role and which axes does each argument have? A binding turns values by role into the user's arguments.

Canonical values are float64 arrays with the axes of `Layout.axes`: draws, list, batch, then data or latent axes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from .dictionary.formula import Array
from .dictionary.scale_kinds import VARIANCE, as_kind

Sizes = Mapping[str, int]


@dataclass(frozen=True)
class Slot:
    """One argument of the loss.

    Attributes:
        name: the user's name.
        role: a key of `glossary.ROLES`.
        default: the value of a parameter.
        tied: for the second of two arguments that hold one scale: the scale kinds of the first and of this one.
        inverted: whether True in the user's mask leaves an element out; in canonical values it keeps one.
        tensor: whether a number is passed as a tensor without axes, as a learned scalar is.
        given: whether the default is the user's; False for a value that `bind` chose.
        named: whether the argument's name or the user states the role; False where the role was the only one left.
    """

    name: str
    role: str
    default: Any = None
    tied: tuple[str, str] | None = None
    inverted: bool = False
    tensor: bool = False
    given: bool = True
    named: bool = True


class Key:
    """In place of a number: what a framework draws from, which is a key of JAX or a generator."""

    def __repr__(self) -> str:
        return "a key"


KEY = Key()


@dataclass(frozen=True)
class Layout:
    """The axes of the values, by role.

    Axis names: N batch, k draws, T tensors in a list, K classes, D data, J latents; C, H, W of images, S, A of series,
    and c, h, w of latent images.

    Attributes:
        data, latent: the names of the data axes and of the latent axes.
        batch: whether there is a batch axis.
        samples: roles with an axis of k draws in front.
        listed: whether posterior arguments are lists of T tensors.
        mask: the number of data axes of the mask.
        shared: roles without the batch axis.
        scalar: roles that are one number.
        last: whether μ and scale, given as one tensor, are concatenated on the last axis, else on the first after N.
        classes: the place of the reconstruction's class axis K, `first` or `last` after N; empty without classes.
        matrix: `cholesky` or `covariance` if the scale is a matrix of [J, J]; empty if each latent has its own scale.
        after: whether the user's tensors have draws after the batch, [N, k, ...]; canonical values have them in front.
        dense: whether log densities have a value per pixel and latent, [N, D] and [N, J], else one per example, [N].
    """

    data: tuple[str, ...] = ("D",)
    latent: tuple[str, ...] = ("J",)
    batch: bool = True
    samples: frozenset[str] = frozenset()
    listed: bool = False
    mask: int = 1
    shared: frozenset[str] = frozenset()
    scalar: frozenset[str] = frozenset()
    last: bool = False
    classes: str = ""
    matrix: str = ""
    after: bool = False
    dense: bool = False

    def axes(self, role: str) -> tuple[str, ...]:
        """The axis names of a role's canonical values, such as ("N", "D"); "J2" is the second axis of a matrix."""
        if role in self.scalar:
            return ()
        front: tuple[str, ...] = ("k",) if role in self.samples else ()
        front += ("T",) if self.listed and role in LATENT else ()
        front += ("N",) if self.batch and role not in self.shared else ()
        if role == "log_det":
            return front
        if role in DENSITIES:
            each = self.data if role in ("log_px", "log_joint") else self.latent
            return front + each if self.dense else front
        if role in LATENT:
            return front + self.latent + (("J2",) if self.matrix and role == "scale" else ())
        if role == "recon" and self.classes:
            return (*front, "K", *self.data) if self.classes == "first" else (*front, *self.data, "K")
        return front + (self.data[: self.mask] if role == "mask" else self.data)

    def shape(self, role: str, sizes: Sizes) -> tuple[int, ...]:
        """The shape of a role's canonical values."""
        return tuple(sizes["J" if axis == "J2" else axis] for axis in self.axes(role))

    def named(self) -> tuple[str, ...]:
        """The names of all axes, each once, the batch first."""
        every = (
            *(("N",) if self.batch else ()),
            *self.data,
            *self.latent,
            *(("k",) if self.samples else ()),
            *(("T",) if self.listed else ()),
            *(("K",) if self.classes else ()),
        )
        return tuple(dict.fromkeys(every))

    def triangle(self, role: str, value: Array) -> Array:
        """A direction that keeps a scale matrix valid: triangular for a Cholesky factor, symmetric for a covariance.

        Args:
            role: a role; only the scale of a matrix layout is changed.
            value: any direction, of [..., J, J] for a scale matrix.
        """
        if role != "scale" or not self.matrix:
            return value
        return np.asarray(np.tril(value) if self.matrix == "cholesky" else value + np.swapaxes(value, -1, -2))


LATENT = ("mu", "scale", "z", "prior_mu", "prior_scale", "z_last")
"""Roles with the latent axes."""
DENSITIES = ("log_px", "log_joint", "log_pz", "log_q")
"""Roles whose values are log densities that the caller has computed, in nats."""


@dataclass(frozen=True)
class Binding:
    """The arguments of a loss in the order of its signature, and the layout of their values."""

    slots: tuple[Slot, ...]
    layout: Layout

    def name_of(self, role: str) -> str:
        """The user's name of the first argument with a role; the role itself if there is none."""
        names = [slot.name for slot in self.slots if slot.role == role]
        if not names and role in ("mu", "scale"):
            part = "mean" if role == "mu" else "scale"
            names = [f"{part}({slot.name})" for slot in self.slots if slot.role == "moments"]
        return names[0] if names else role

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of tensors, in the order of the arguments, each once."""
        found: list[str] = []
        for slot in self.slots:
            for role in ("mu", "scale") if slot.role == "moments" else (slot.role,):
                if role != "parameter" and role not in found:
                    found.append(role)
        return tuple(found)

    def exchanged(self, one: str, two: str) -> Binding:
        """The binding with two roles exchanged."""
        other = {one: two, two: one}
        return replace(self, slots=tuple(replace(s, role=other.get(s.role, s.role)) for s in self.slots))

    def says(self, *roles: str) -> bool:
        """Whether the names of the arguments with these roles state the roles."""
        return all(slot.named for slot in self.slots if slot.role in roles)

    @property
    def parameters(self) -> dict[str, Any]:
        """Argument that is no tensor → its value."""
        return {slot.name: slot.default for slot in self.slots if slot.role == "parameter"}

    def arguments(self, values: Mapping[str, Array], parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The user's arguments for one call: arrays, lists of arrays and numbers, all of them copies.

        Args:
            values: role → canonical values.
            parameters: argument that is no tensor → its value.
        """
        made: dict[str, Any] = {}
        for slot in self.slots:
            if slot.role == "parameter":
                if slot.name in parameters:
                    number = parameters[slot.name]
                    made[slot.name] = _constant(number) if slot.tensor else number
                continue
            if slot.role == "moments":
                axis = -1 if self.layout.last or len(self.layout.latent) == 1 else -len(self.layout.latent)
                made[slot.name] = np.concatenate([values["mu"], values["scale"]], axis=axis)
                continue
            value = values[slot.role]
            if slot.tied is not None:
                value = as_kind(VARIANCE[slot.tied[0]](value), slot.tied[1])
            if slot.inverted:
                value = ~value if value.dtype == bool else 1 - value
            if self.layout.after and slot.role in self.layout.samples:
                value = np.swapaxes(value, 0, 1)
            listed = self.layout.listed and slot.role in LATENT
            made[slot.name] = [entry.copy() for entry in value] if listed else value.copy()
        return made


def _constant(number: float) -> Array:
    """A number as a read-only array; `gradients` takes no gradient of a read-only array."""
    array = np.asarray(float(number))
    array.flags.writeable = False
    return array


def named_sizes(sizes: Sizes, layout: Layout) -> dict[str, float]:
    """The values of the names N, D, J, k, T and K in the answer's expressions; D and J are products of their axes."""
    named = {"D": float(prod(sizes[axis] for axis in layout.data)), "J": float(prod(sizes[a] for a in layout.latent))}
    named |= {axis: float(sizes[axis]) for axis in ("N", "k", "T", "K") if axis in layout.named()}
    return named
