"""p(z), and KL(q ‖ p) where it has a closed form.

p(z) is N(0, I), a diagonal Gaussian that is learned, or a mixture of the encoder's own densities.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from ..networks import encode
from ..node import COMPONENT, LATENT, Node, Nodes
from ..normal import Drawn, log_normal, log_normal_of_squares, scale_kinds
from ..spec import Spec
from ..weights import Slot
from .base import Family, Lifting


class Prior(Family):
    """p(z); as it stands, N(0, I)."""

    condition = "prior"
    word = "standard"

    def slots(self, spec: Spec) -> Iterator[Slot]:
        """Its canonical weights."""
        return iter(())

    def log_density(self, spec: Spec, z: Node, w: Nodes) -> Node:
        """z [..., latent] → log p(z) [...]."""
        return log_normal_of_squares(z.constant(0.0), z**2)

    def closed_form_kl(self, q: Drawn, w: Nodes) -> Node | None:
        """KL(q(z|x) ‖ p(z)) [batch]; None where there is no closed form."""
        one = q.mean.constant(1.0)
        return _half_sum(q.variance + q.mean**2 + -q.log_variance - one, q)

    def tensors(self, w: Nodes) -> dict[str, Node]:
        """The tensors that sources print of it, by canonical name."""
        return {}


def _half_sum(parts: Node, q: Drawn) -> Node:
    """½ (Σ parts − rest of log det C)."""
    total = parts.sum(LATENT)
    return (total if q.rest is None else total - q.rest) / 2


class Learned(Prior):
    """A diagonal Gaussian of `prior.mean` and `prior.log_variance`."""

    word = "learned"
    lifting = Lifting("N(0, I) as a learned prior", ("prior", "standard"), partial(replace, prior="learned"))

    def slots(self, spec: Spec) -> Iterator[Slot]:
        for part in ("mean", "log_variance"):
            yield Slot(f"prior.{part}", "latent", (spec.latent_dim,))

    def log_density(self, spec: Spec, z: Node, w: Nodes) -> Node:
        return log_normal(z, w["prior.mean"], w["prior.log_variance"])

    def closed_form_kl(self, q: Drawn, w: Nodes) -> Node:
        mean, log_variance = w["prior.mean"], w["prior.log_variance"]
        one = q.mean.constant(1.0)
        moments = (q.variance + (q.mean - mean) ** 2) * (-log_variance).exp()
        return _half_sum(moments + (log_variance - q.log_variance) - one, q)

    def tensors(self, w: Nodes) -> dict[str, Node]:
        return {"prior_mean": w["prior.mean"], **scale_kinds("prior", w["prior.log_variance"])}


class Vamp(Prior):
    """1/K Σ_k q(z|u_k), the encoder's own densities at K learned pseudo-inputs u.

    `prior.pseudo_inputs` has a row for each of `components`.

    J. M. Tomczak and M. Welling, *VAE with a VampPrior*, 2018, equation 9.
    """

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
