"""p(z) = 1/K Σ_k q(z|u_k), the encoder's own densities at K learned pseudo-inputs u.

J. M. Tomczak and M. Welling, *VAE with a VampPrior*, 2018, equation 9.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..densities import Drawn, log_normal
from ..networks import encode
from ..node import COMPONENT, Node, Nodes
from ..weights import Slot
from .prior import Prior

if TYPE_CHECKING:
    from ..spec import Spec


class Vamp(Prior):
    """`prior.pseudo_inputs`, a row for each of `components`."""

    word = "vamp"
    fields = ("components",)
    combines = (("posterior", ("diagonal", "isotropic")),)

    def slots(self, spec: Spec) -> Iterator[Slot]:
        assert spec.components
        # images vary between 0 and 1
        yield Slot("prior.pseudo_inputs", "component data", (spec.components, spec.data_dim), centre=0.5)

    def log_density(self, spec: Spec, z: Node, w: Nodes) -> Node:
        assert spec.components
        heads = encode(spec, w["prior.pseudo_inputs"], w)
        each = log_normal(z.expand(-2), heads["mean"], heads["log_variance"])
        return each.logsumexp(COMPONENT) - math.log(spec.components)

    def closed_form_kl(self, q: Drawn, w: Nodes) -> None:
        return None

    def widest(self, spec: Spec) -> int:
        assert spec.components
        return spec.latent_dim * spec.components
