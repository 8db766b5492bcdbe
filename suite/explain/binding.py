"""Arguments and their roles, and the layouts of their values: from role → canonical values to the user's arguments."""

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
    """An argument.

    Attributes:
        name: the user's.
        role: of `glossary.ROLES`.
        default: of a parameter.
        tied: where two arguments hold one scale, the scale kinds of the first and of this one.
        given: whether the default is the user's, and not one of ours for an argument that has none.
        named: whether its name or the user says its role, and not only what is left for it.
        tensor: whether a number is passed as a tensor without axes, as a learned one is.
        inverted: whether a true entry of a mask is one that is left out; canonical values say what is kept.
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
    """The axes of the values.

    Attributes:
        data, latent: axis names after the batch's.
        batch: whether there is a batch axis.
        samples: the roles that have k draws in front.
        listed: whether posterior arguments are lists over T.
        mask: how many of the data axes a mask has.
        shared: roles without the batch axis.
        scalar: roles that are one number.
        last: whether moments are put together on the last axis, and not on the first of an example.
        classes: where the reconstruction has an axis K of classes that the data have not: `first` or `last` of an
            example's; nothing where it has none.
        matrix: what the scale of all latents together is: `cholesky` or `covariance`; nothing where each has its own.
        after: whether the user's values have the draws after the batch's axis; canonical values have them in front.
        dense: whether densities have a value per pixel and latent, and not one per example.
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
        """The axes of a role's canonical values."""
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
        """Every axis, the batch first."""
        return (
            *(("N",) if self.batch else ()),
            *self.data,
            *self.latent,
            *(("k",) if self.samples else ()),
            *(("T",) if self.listed else ()),
            *(("K",) if self.classes else ()),
        )

    def triangle(self, role: str, value: Array) -> Array:
        """What may be changed of a role's values: of a Cholesky factor its triangle, of a covariance both alike."""
        if role != "scale" or not self.matrix:
            return value
        return np.asarray(np.tril(value) if self.matrix == "cholesky" else value + np.swapaxes(value, -1, -2))


LATENT = ("mu", "scale", "z", "prior_mu", "prior_scale", "z_last")
"""Roles with the latent axes."""
DENSITIES = ("log_px", "log_joint", "log_pz", "log_q")
"""Roles whose values are densities that the caller has computed."""


@dataclass(frozen=True)
class Binding:
    """The arguments of a loss, in order."""

    slots: tuple[Slot, ...]
    layout: Layout

    def name_of(self, role: str) -> str:
        """The user's name of a role; of the first where there are two."""
        names = [slot.name for slot in self.slots if slot.role == role]
        if not names and role in ("mu", "scale"):
            part = "mean" if role == "mu" else "scale"
            names = [f"{part}({slot.name})" for slot in self.slots if slot.role == "moments"]
        return names[0] if names else role

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that have values, in order, each once."""
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
        """Whether the arguments of these roles say by their names that they are these."""
        return all(slot.named for slot in self.slots if slot.role in roles)

    @property
    def parameters(self) -> dict[str, Any]:
        """The arguments that are no tensors, and their values."""
        return {slot.name: slot.default for slot in self.slots if slot.role == "parameter"}

    def arguments(self, values: Mapping[str, Array], parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The user's arguments: arrays, lists of arrays and numbers, each a copy of its own."""
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
    """A number as an array; it cannot be written to, by which `gradients` knows that none is taken by it."""
    array = np.asarray(float(number))
    array.flags.writeable = False
    return array


def named_sizes(sizes: Sizes, layout: Layout) -> dict[str, float]:
    """N, D, J, k, T and K of the answer's expressions."""
    named = {"D": float(prod(sizes[axis] for axis in layout.data)), "J": float(prod(sizes[a] for a in layout.latent))}
    named |= {axis: float(sizes[axis]) for axis in ("N", "k", "T", "K") if axis in layout.named()}
    return named
