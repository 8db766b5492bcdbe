"""The closed vocabulary of roles, read from roles.csv, and the canonical tensor behind each role and scale kind."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..reference.tensors import DIAGONAL, MATRIX, TENSORS

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Role:
    """The meaning of a symbol, whatever letter a source prints for it.

    Attributes:
        name: the role's key in notation.toml.
        meaning: one line for readers.
        kind: what a symbol of this role is, such as `latent` or `distribution`.
        net: the network to which it belongs: `generative`, `inference`, `both` or `none`.
        tensor: the canonical tensor that a quantity of this role becomes; None where it is compared with none.
        scales: for a scale, its kinds, each with the canonical tensor that it becomes.
    """

    name: str
    meaning: str
    kind: str
    net: str
    tensor: str | None
    scales: Mapping[str, str]

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes of its tensor by name, outermost first; () where there is none."""
        return TENSORS[self.tensor] if self.tensor else ()


def _read() -> dict[str, Role]:
    """The rows of roles.csv by name; of a scale `tensor` is the tensor of its first kind."""
    kinds = {"": (), "diagonal": DIAGONAL, "matrix": MATRIX}
    roles = {}
    with Path(__file__).with_name("roles.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            own, tensor = kinds[row["scales"]], row["tensor"] or None
            tensors = {kind: row["tensor"].replace(own[0], kind) for kind in own}
            roles[row["name"]] = Role(row["name"], row["meaning"], row["kind"], row["net"], tensor, tensors)
    return roles


ROLES = _read()

FAMILIES = (
    ("posterior_scale", "cholesky_diagonal", "precision_diagonal", "precision_vector", "posterior_matrix"),
    ("decoder_scale", "decoder_variance"),
)
"""Roles that say the spread of one distribution, each in its own way."""


def family(role: str) -> tuple[str, ...]:
    """A role and those that play its part in other sources."""
    return next((roles for roles in FAMILIES if role in roles), (role,))


#: Scale kind → the published number as a canonical log-variance.
TO_LOG_VARIANCE: dict[str, Callable[[Array], Array]] = {
    "log_variance": lambda s: s,
    "log_sd": lambda s: 2 * s,
    "variance": np.log,
    "sd": lambda s: 2 * np.log(s),
    "precision": lambda s: -np.log(s),
    "log_precision": lambda s: -s,
}
