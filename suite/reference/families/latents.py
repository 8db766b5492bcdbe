"""How the latent axis is made of stochastic layers: of one, or of the independent noises of several."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from ..networks import affine, hidden, layer_of
from ..node import Node, Nodes
from ..normal import Drawn
from ..spec import Spec
from ..weights import Slot, hidden_layers, layer
from .base import Family, Lifting


class Latents(Family):
    """Layers of the sizes in `Spec.layers`; as it stands, one, which the decoder reads."""

    condition = "latents"
    word = "none"

    def contradictions(self, spec: Spec) -> Iterator[tuple[str, str]]:
        if sum(spec.layers) != spec.latent_dim:
            expected = f"expected sizes that add up to latent_dim = {spec.latent_dim}"
            yield self.fields[0], f"{expected}; found {list(spec.layers)}"

    def encoded(self, spec: Spec) -> int:
        """How many latents the encoder's heads are of."""
        return spec.latent_dim

    def encoder_slots(self, spec: Spec) -> Iterator[Slot]:
        """Canonical weights of q between the layers."""
        return iter(())

    def decoder_slots(self, spec: Spec) -> Iterator[Slot]:
        """Canonical weights of p between the layers."""
        return iter(())

    def draw(self, spec: Spec, heads: Nodes, noise: Node, w: Nodes) -> Drawn:
        """The encoder's heads and ε [sample, batch, latent] → q(z|x) and a draw of all layers."""
        return spec.families.posterior.draw(spec, heads, noise)

    def log_prior(self, spec: Spec, z: Node, w: Nodes) -> Node:
        """z [..., latent] → log p(z) [...]."""
        return spec.families.prior.log_density(spec, z, w)

    def closed_form_kl(self, spec: Spec, q: Drawn, w: Nodes) -> Node | None:
        """KL(q(z|x) ‖ p(z)) [batch]; None where there is no closed form."""
        return spec.families.prior.closed_form_kl(q, w)

    def enter(self, spec: Spec, z: Node, w: Nodes) -> Node:
        """z [..., latent] → what the decoder reads, of the size of the first layer: [..., in]."""
        return z


class DeepLatents(Latents):
    """Deep latent Gaussian models: the latent axis has the noises of all layers, and the decoder computes them from it.

    `decoder.latent.<l>` is G, `decoder.transition.<l>` T, from layer l + 1 to l; sizes are in `latents`.

    D. J. Rezende, S. Mohamed and D. Wierstra, *Stochastic Backpropagation and Approximate Inference in Deep Generative
    Models*, 2014, section 2.
    """

    word = "layers"
    fields = ("latents",)
    combines = (("decoder_weights", ("point",)),)
    lifting = Lifting(
        "G = I",
        ("latents", "none"),
        lambda spec: replace(spec, latents=(spec.latent_dim,)),
        fill=lambda spec, name: np.eye(spec.latent_dim),
    )

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
