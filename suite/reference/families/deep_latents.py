"""Deep latent Gaussian models: the latent axis has the noises of all layers, and the decoder computes them from these.

D. J. Rezende, S. Mohamed and D. Wierstra, *Stochastic Backpropagation and Approximate Inference in Deep Generative
Models*, 2014, section 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ..arithmetic import Array
from ..networks import affine, hidden, layer_of
from ..node import Node, Nodes
from ..weights import Slot, hidden_layers, layer
from .base import Lifting
from .latents import Latents

if TYPE_CHECKING:
    from ..spec import Spec


def _deep(spec: Spec) -> Spec | None:
    plain = spec.network == "mlp" and spec.decoder_weights == "point" and not (spec.latents or spec.chain)
    return replace(spec, latents=(spec.latent_dim,)) if plain else None


def _identity(spec: Spec, name: str) -> Array:
    return np.eye(spec.latent_dim)


class DeepLatents(Latents):
    """`decoder.latent.<l>` (G) and `decoder.transition.<l>` (T, from layer l + 1 to l), of the sizes in `latents`."""

    word = "layers"
    fields = ("latents",)
    combines = (("decoder_weights", ("point",)),)
    liftings = (Lifting("G = I", _deep, _identity),)

    def decoder_slots(self, spec: Spec) -> Iterator[Slot]:
        for i, size in enumerate(spec.layers):
            yield Slot(f"decoder.latent.{i}.weight", "out in", (size, size))
        widths = spec.hidden[::-1]
        for i, (below, above) in enumerate(pairwise(spec.layers)):
            yield from hidden_layers(spec, f"decoder.transition.{i}.hidden", (above, *widths))
            yield from layer(f"decoder.transition.{i}.output", below, widths[-1])

    def enter(self, spec: Spec, z: Node, w: Nodes) -> Node:
        """h_L = G_L ξ_L, h_l = T_l(h_{l+1}) + G_l ξ_l, down to the layer next to the data; ξ are the parts of z."""
        above: Node | None = None
        for i in reversed(range(len(spec.layers))):
            jump = layer_of(z, spec.layers, i).linear(w[f"decoder.latent.{i}.weight"])
            if above is not None:
                name = f"decoder.transition.{i}"
                jump = affine(hidden(spec, above, w, f"{name}.hidden"), w, f"{name}.output") + jump
            above = jump
        assert above is not None
        return above
