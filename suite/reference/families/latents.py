"""How the latent axis is made of stochastic layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..densities import Drawn
from ..node import Node, Nodes
from ..weights import Slot
from .base import Family

if TYPE_CHECKING:
    from ..spec import Spec


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
