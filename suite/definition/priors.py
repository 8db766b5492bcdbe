"""p(z) and KL(q(z|x) ‖ p(z)) on a tape; and the same for decoder weights that have a posterior."""

from __future__ import annotations

import math
from collections.abc import Mapping

from .chain import chain_log_prior
from .networks import encode
from .posteriors import Posterior, log_normal, per_latent, squared
from .spec import Spec
from .tape import Node, Tape

Weights = Mapping[str, Node]


def log_prior(tape: Tape, spec: Spec, latent: Node, w: Weights) -> Node:
    """latent [sample, batch, latent] → log p(z) [sample, batch]."""
    if spec.chain:
        return chain_log_prior(tape, spec, latent, w)
    if spec.prior == "standard":
        return log_normal(tape, tape.input(0.0), tape.mul(latent, latent))
    if spec.prior == "learned":
        log_variance = w["prior.log_variance"]
        return log_normal(tape, log_variance, squared(tape, latent, w["prior.mean"], log_variance))
    # 1/K Σ_k q(z|u_k): J. M. Tomczak and M. Welling, *VAE with a VampPrior*, 2018, equation 9
    heads = encode(tape, spec, w["prior.pseudo_inputs"], w)
    log_variance = per_latent(tape, spec, heads["log_variance"])
    densities = log_normal(tape, log_variance, squared(tape, tape.expand(latent, -2), heads["mean"], log_variance))
    assert spec.components
    return tape.sub(tape.logsumexp(densities, axis=-1), tape.input(math.log(spec.components)))


def closed_form_kl(tape: Tape, spec: Spec, q: Posterior, w: Weights) -> Node | None:
    """KL(q(z|x) ‖ p(z)) [batch]; None where there is no closed form."""
    if spec.prior == "vamp" or spec.chain:
        return None
    one = tape.input(1.0)
    if spec.prior == "standard":
        moments, logs = tape.add(q.variance, tape.mul(q.mean, q.mean)), tape.scale(q.log_variance, -1.0)
    else:
        difference = tape.sub(q.mean, w["prior.mean"])
        moments = tape.add(q.variance, tape.mul(difference, difference))
        moments = tape.mul(moments, tape.exp(tape.scale(w["prior.log_variance"], -1.0)))
        logs = tape.sub(w["prior.log_variance"], q.log_variance)
    total = tape.sum(tape.sub(tape.add(moments, logs), one), axis=-1)
    return tape.scale(total if q.rest is None else tape.sub(total, q.rest), 0.5)
