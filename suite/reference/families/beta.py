"""The weight of the KL in the objective: 1 for the bound itself, or another β."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..node import Node
from .base import ObjectiveFamily, Weights
from .fields import positive

if TYPE_CHECKING:
    from ..spec import Spec


class BetaOne(ObjectiveFamily):
    """The bound itself."""

    word = "one"

    def term(self, spec: Spec, found: Weights, bound: str) -> Node:
        return found[bound]


class BetaOther(ObjectiveFamily):
    """The bound with β times its KL."""

    word = "other"
    fields = (positive("beta"),)

    def term(self, spec: Spec, found: Weights, bound: str) -> Node:
        weighed = f"weighted_{bound}"
        if weighed not in found:
            raise ValueError(f"bound '{bound}' has no KL that beta = {spec.beta} could weigh")
        return found[weighed]
