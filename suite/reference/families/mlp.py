"""Networks of hidden layers of the widths in `hidden`, in reverse for the decoder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..networks import affine, hidden
from ..node import Node
from ..slots import Slot, hidden_layers, layer
from .base import NetworkFamily, Weights

if TYPE_CHECKING:
    from ..spec import Spec


class Mlp(NetworkFamily):
    """`encoder.hidden.<i>`, `decoder.hidden.<i>`, and the heads of p(x|z)."""

    word = "mlp"

    def encoder_slots(self, spec: Spec) -> Iterator[Slot]:
        return hidden_layers(spec, "encoder.hidden", (spec.data_dim, *spec.hidden))

    def decoder_slots(self, spec: Spec, width: int) -> Iterator[Slot]:
        yield from hidden_layers(spec, "decoder.hidden", (width, *spec.hidden[::-1]))
        for head in spec.heads:
            yield from layer(f"decoder.{head}", spec.data_dim, spec.hidden[0])

    def encode(self, spec: Spec, x: Node, w: Weights) -> Node:
        return x

    def decode(self, spec: Spec, entering: Node, w: Weights) -> dict[str, Node]:
        last = hidden(spec, entering, w, "decoder.hidden")
        return {head: affine(last, w, f"decoder.{head}") for head in spec.heads}

    def widest(self, spec: Spec) -> int:
        latents = max(spec.posterior_family.widest(spec), spec.prior_family.widest(spec))
        return max(spec.data_dim, latents, *spec.hidden)
