"""p(z) and KL(q(z|x) ‖ p(z)) on a tape; and the same for decoder weights that have a posterior."""

from __future__ import annotations

import math
from collections.abc import Mapping

from .chain import chain_log_prior
from .networks import encode
from .node import COMPONENT, LATENT, Node
from .posteriors import Posterior, log_normal, per_latent, squared
from .spec import Spec

Weights = Mapping[str, Node]


def log_prior(spec: Spec, z: Node, w: Weights) -> Node:
    """z [sample, batch, latent] → log p(z) [sample, batch]."""
    if spec.chain:
        return chain_log_prior(spec, z, w)
    if spec.prior == "standard":
        return log_normal(z.constant(0.0), z**2)
    if spec.prior == "learned":
        log_variance = w["prior.log_variance"]
        return log_normal(log_variance, squared(z, w["prior.mean"], log_variance))
    # 1/K Σ_k q(z|u_k): J. M. Tomczak and M. Welling, *VAE with a VampPrior*, 2018, equation 9
    heads = encode(spec, w["prior.pseudo_inputs"], w)
    log_variance = per_latent(spec, heads["log_variance"])
    densities = log_normal(log_variance, squared(z.expand(-2), heads["mean"], log_variance))
    assert spec.components
    return densities.logsumexp(COMPONENT) - math.log(spec.components)


def closed_form_kl(spec: Spec, q: Posterior, w: Weights) -> Node | None:
    """KL(q(z|x) ‖ p(z)) [batch]; None where there is no closed form."""
    if spec.prior == "vamp" or spec.chain:
        return None
    one = q.mean.constant(1.0)
    if spec.prior == "standard":
        parts = q.variance + q.mean**2 + -q.log_variance - one
    else:
        mean, log_variance = w["prior.mean"], w["prior.log_variance"]
        moments = (q.variance + (q.mean - mean) ** 2) * (-log_variance).exp()
        parts = moments + (log_variance - q.log_variance) - one
    total = parts.sum(LATENT)
    return (total if q.rest is None else total - q.rest) / 2
