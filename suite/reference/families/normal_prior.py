"""p(z) = N(0, I), or a diagonal Gaussian whose mean and log-variance are learned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ..densities import Posterior, log_normal, log_normal_of_squares, scale_kinds
from ..node import LATENT, Node
from ..slots import Slot
from .base import Lifting, PriorFamily, Weights

if TYPE_CHECKING:
    from ..spec import Spec


def _half_sum(parts: Node, q: Posterior) -> Node:
    """½ (Σ parts − rest of log det C)."""
    total = parts.sum(LATENT)
    return (total if q.rest is None else total - q.rest) / 2


class Standard(PriorFamily):
    """N(0, I)."""

    word = "standard"

    def slots(self, spec: Spec) -> Iterator[Slot]:
        return iter(())

    def log_density(self, spec: Spec, z: Node, w: Weights) -> Node:
        return log_normal_of_squares(z.constant(0.0), z**2)

    def closed_form_kl(self, q: Posterior, w: Weights) -> Node:
        one = q.mean.constant(1.0)
        return _half_sum(q.variance + q.mean**2 + -q.log_variance - one, q)


def _learned(spec: Spec) -> Spec | None:
    return replace(spec, prior="learned") if spec.prior == "standard" and not spec.chain else None


class Learned(PriorFamily):
    """`prior.mean` and `prior.log_variance`."""

    word = "learned"
    liftings = (Lifting("N(0, I) as a learned prior", _learned),)

    def slots(self, spec: Spec) -> Iterator[Slot]:
        for part in ("mean", "log_variance"):
            yield Slot(f"prior.{part}", "latent", (spec.latent_dim,))

    def log_density(self, spec: Spec, z: Node, w: Weights) -> Node:
        log_variance = w["prior.log_variance"]
        return log_normal(z, w["prior.mean"], log_variance)

    def closed_form_kl(self, q: Posterior, w: Weights) -> Node:
        mean, log_variance = w["prior.mean"], w["prior.log_variance"]
        one = q.mean.constant(1.0)
        moments = (q.variance + (q.mean - mean) ** 2) * (-log_variance).exp()
        return _half_sum(moments + (log_variance - q.log_variance) - one, q)

    def tensors(self, w: Weights) -> dict[str, Node]:
        return {"prior_mean": w["prior.mean"], **scale_kinds("prior", w["prior.log_variance"])}
