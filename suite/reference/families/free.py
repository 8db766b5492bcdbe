"""q(z|x) without an encoder: a mean and a log-variance for each datum of the whole set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..node import Node
from ..slots import Slot
from .base import Weights
from .diagonal import Diagonal
from .fields import whole

if TYPE_CHECKING:
    from ..spec import Spec


class Free(Diagonal):
    """`posterior.mean` and `posterior.log_variance`, a row for each of `data_count` data, which are the batch."""

    word = "free"
    fields = (whole("data_count"),)
    liftings = ()

    def slots(self, spec: Spec) -> Iterator[Slot]:
        assert spec.data_count
        for part in ("mean", "log_variance"):
            yield Slot(f"posterior.{part}", "datum latent", (spec.data_count, spec.latent_dim))

    def encode(self, spec: Spec, x: Node, w: Weights) -> dict[str, Node]:
        return {head: w[f"posterior.{head}"] for head in ("mean", "log_variance")}

    def rows(self, spec: Spec) -> int | None:
        return spec.data_count
