"""All canonical tensors of a problem on a tape: the definition itself, term by term."""

from __future__ import annotations

import math

from .networks import encode
from .node import BATCH, SAMPLE, Node, Nodes
from .spec import Spec


def terms(spec: Spec, x: Node, noise: Node, weight_noise: Nodes, w: Nodes, bound: str) -> dict[str, Node]:
    """The canonical tensors in the order of data flow, then `objective`.

    Args:
        spec: the model.
        x: [batch, data].
        noise: [sample, batch, latent].
        weight_noise: decoder weight → [sample, ...]; empty where they are points.
        w: canonical weights.
        bound: what the objective reduces, one of `tensors.BOUNDS`.
    """
    f = spec.families
    q = f.latents.draw(spec, encode(spec, x, w), noise, w)
    decoded = f.decoder_weights.decode(spec, q.latent, weight_noise, w)
    likelihoods = f.likelihood.log_density(spec, x, decoded)
    priors = f.latents.log_prior(spec, q.latent, w)
    log_likelihood = likelihoods.mean(SAMPLE)
    sampled_kl = (q.log_density - priors).mean(SAMPLE)
    closed = f.latents.closed_form_kl(spec, q, w)
    kl = sampled_kl if closed is None else closed  # without a closed form the sampled one is the definition
    log_ratio = likelihoods + priors - q.log_density
    log_samples = noise.constant(math.log(noise.shape[SAMPLE]))
    found = {
        "posterior_mean": q.mean,
        **q.tensors,
        **f.prior.tensors(w),
        "latent": q.latent,
        **f.likelihood.tensors(decoded),
        "log_likelihood": log_likelihood,
        "log_prior": priors.mean(SAMPLE),
        "log_posterior": q.log_density.mean(SAMPLE),
        "kl": kl,
        "kl_monte_carlo": sampled_kl,
        "elbo": log_likelihood - kl,
        "elbo_monte_carlo": log_ratio.mean(SAMPLE),
        "weighted_elbo": log_likelihood - spec.beta * kl,
        "weighted_elbo_monte_carlo": log_likelihood - spec.beta * sampled_kl,
        "iwae": log_ratio.logsumexp(SAMPLE) - log_samples,
        **f.decoder_weights.terms(weight_noise, w),
    }
    return {**found, "objective": objective(spec, found, bound)}


def objective(spec: Spec, found: Nodes, bound: str) -> Node:
    """The bound, its KL weighed by β, summed over the batch; the KL of the decoder's weights counts once per set.

    Raises:
        ValueError: the bound has no KL that the specification weighs.
    """
    term = bound if spec.beta == 1 else f"weighted_{bound}"
    if term not in found:
        raise ValueError(f"bound '{bound}' has no KL that beta = {spec.beta} could weigh")
    return spec.families.decoder_weights.objective(spec, found[term].sum(BATCH), found, bound)
