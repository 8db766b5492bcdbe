"""Networks of hidden layers of the widths in `hidden`, in reverse for the decoder."""

from __future__ import annotations

from collections.abc import Iterator

from ..networks import affine, hidden
from ..node import Node, Nodes
from ..spec import Spec
from ..weights import Slot, hidden_layers, layer
from .base import Family


class Network(Family):
    """How the encoder reads data, and the decoder writes them.

    As it stands, a multilayer perceptron: `encoder.hidden.<i>`, `decoder.hidden.<i>`, and the heads of p(x|z).
    """

    condition = "network"
    word = "mlp"

    def encoder_slots(self, spec: Spec) -> Iterator[Slot]:
        """Canonical weights from the data to the last hidden layer."""
        return hidden_layers(spec, "encoder.hidden", (spec.data_dim, *spec.hidden))

    def decoder_slots(self, spec: Spec, width: int) -> Iterator[Slot]:
        """Canonical weights from `width` numbers to the heads of p(x|z)."""
        yield from hidden_layers(spec, "decoder.hidden", (width, *spec.hidden[::-1]))
        for head in spec.families.likelihood.heads:
            yield from layer(f"decoder.{head}", spec.data_dim, spec.hidden[0])

    def encode(self, spec: Spec, x: Node, w: Nodes) -> Node:
        """x [batch, data] → what the hidden layers read."""
        return x

    def decode(self, spec: Spec, entering: Node, w: Nodes) -> dict[str, Node]:
        """[..., batch, in] → the heads of p(x|z) by name, each [..., batch, data]."""
        last = hidden(spec, entering, w, "decoder.hidden")
        return {head: affine(last, w, f"decoder.{head}") for head in spec.families.likelihood.heads}

    def widest(self, spec: Spec) -> int:
        return max(spec.data_dim, *spec.hidden)
