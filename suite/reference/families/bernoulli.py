"""p(x|z) = Π Bernoulli(x; σ(logits)), for data between 0 and 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..node import DATA, Node
from .base import LikelihoodFamily, Weights

if TYPE_CHECKING:
    from ..spec import Spec


class Bernoulli(LikelihoodFamily):
    """One head, `decoder.logits`."""

    word = "bernoulli"
    heads = ("logits",)
    data_is_unit = True

    def log_density(self, spec: Spec, x: Node, heads: Weights) -> Node:
        return heads["logits"].bernoulli(x).sum(DATA)

    def tensors(self, heads: Weights) -> dict[str, Node]:
        return {"decoder_logits": heads["logits"], "decoder_probability": heads["logits"].sigmoid()}
