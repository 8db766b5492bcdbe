"""All canonical tensors of a problem on a tape: the definition itself, term by term."""

from __future__ import annotations

import math
from collections.abc import Mapping

from .chain import chain_posterior
from .networks import decode, encode
from .node import BATCH, DATA, LATENT, SAMPLE, WEIGHT, Node, stack
from .posteriors import log_normal, posterior, scale_kinds, squared
from .priors import closed_form_kl, log_prior
from .spec import Spec
from .weights import decoder_slots

Weights = Mapping[str, Node]


def terms(
    spec: Spec, x: Node, noise: Node, weight_noise: Mapping[str, Node], w: Weights, bound: str
) -> dict[str, Node]:
    """The canonical tensors in the order of data flow, then `objective`.

    Args:
        spec: the model.
        x: [batch, data].
        noise: [sample, batch, latent].
        weight_noise: decoder weight → [sample, ...]; empty where they are points.
        w: canonical weights.
        bound: what the objective reduces, one of `roles.BOUNDS`.
    """
    heads = encode(spec, x, w)
    q = chain_posterior(spec, heads, noise, w) if spec.chain else posterior(spec, heads, noise)
    decoded = _decoded(spec, q.latent, weight_noise, w)
    likelihoods = _log_likelihood(spec, x, decoded)
    priors = log_prior(spec, q.latent, w)
    log_likelihood = likelihoods.mean(SAMPLE)
    sampled_kl = (q.log_density - priors).mean(SAMPLE)
    closed = closed_form_kl(spec, q, w)
    kl = sampled_kl if closed is None else closed  # without a closed form the sampled one is the definition
    log_ratio = likelihoods + priors - q.log_density
    log_samples = noise.constant(math.log(noise.shape[SAMPLE]))
    found = {
        "posterior_mean": q.mean,
        **q.tensors,
        **_prior_tensors(spec, w),
        "latent": q.latent,
        **_decoder_tensors(spec, decoded),
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
        **_weight_terms(spec, weight_noise, w),
    }
    return {**found, "objective": _objective(spec, found, bound)}


def _objective(spec: Spec, found: Mapping[str, Node], bound: str) -> Node:
    """The bound, its KL weighed by β, summed over the batch; the KL of the decoder's weights counts once per set."""
    weighed = f"weighted_{bound}"
    if spec.beta != 1 and weighed not in found:
        raise ValueError(f"bound '{bound}' has no KL that beta = {spec.beta} could weigh")
    total = found[bound if spec.beta == 1 else weighed].sum(BATCH)
    if spec.decoder_weights == "point":
        return total
    if (weight_kl := f"weight_{bound.replace('elbo', 'kl')}") not in found:
        raise ValueError(f"bound '{bound}' has no KL of the decoder's weights")
    assert spec.data_count
    share = found["elbo"].shape[BATCH] / spec.data_count
    return total - share * found[weight_kl]


def _decoded(spec: Spec, latent: Node, weight_noise: Mapping[str, Node], w: Weights) -> dict[str, Node]:
    """The decoder's heads, [sample, batch, data] each; where its weights have a posterior, each sample has its own."""
    if spec.decoder_weights == "point":
        return decode(spec, latent, w)
    heads: dict[str, list[Node]] = {}
    for sample in range(latent.shape[SAMPLE]):
        drawn = {
            name: w[f"{name}.mean"] + (w[f"{name}.log_variance"] / 2).exp() * noise[sample]
            for name, noise in weight_noise.items()
        }
        for head, value in decode(spec, latent[sample], {**w, **drawn}).items():
            heads.setdefault(head, []).append(value)
    return {head: stack(values) for head, values in heads.items()}


def _decoder_tensors(spec: Spec, heads: Mapping[str, Node]) -> dict[str, Node]:
    if spec.likelihood == "bernoulli":
        return {"decoder_logits": heads["logits"], "decoder_probability": heads["logits"].sigmoid()}
    if spec.likelihood == "gaussian":
        return {"decoder_mean": heads["mean"], **scale_kinds("decoder", heads["log_variance"])}
    return {"decoder_mean": heads["mean"]}


def _prior_tensors(spec: Spec, w: Weights) -> dict[str, Node]:
    if spec.prior != "learned":
        return {}
    return {"prior_mean": w["prior.mean"], **scale_kinds("prior", w["prior.log_variance"])}


def _log_likelihood(spec: Spec, x: Node, heads: Mapping[str, Node]) -> Node:
    """log p(x|z) [sample, batch]."""
    if spec.likelihood == "bernoulli":
        return heads["logits"].bernoulli(x).sum(DATA)
    if spec.likelihood == "gaussian":
        log_variance = heads["log_variance"]
        return log_normal(log_variance, squared(x, heads["mean"], log_variance))
    assert spec.variance is not None
    squares = (x - heads["mean"]) ** 2 * x.constant(1 / spec.variance)
    return log_normal(x.constant(math.log(spec.variance)), squares)


def _weight_terms(spec: Spec, weight_noise: Mapping[str, Node], w: Weights) -> dict[str, Node]:
    """KL(q(θ) ‖ N(0, I)) over all decoder weights, in closed form and by the draws; [] each.

    D. P. Kingma and M. Welling, *Auto-Encoding Variational Bayes*, Appendix F.
    """
    if spec.decoder_weights == "point":
        return {}
    one = next(iter(weight_noise.values())).constant(1.0)
    closed: list[Node] = []
    sampled: list[Node] = []
    for slot in decoder_slots(spec):
        mean, log_variance, noise = w[f"{slot.name}.mean"], w[f"{slot.name}.log_variance"], weight_noise[slot.name]
        parts = log_variance.exp() + mean**2 - log_variance - one
        closed.append(parts.reshape(-1).sum(LATENT) / 2)
        drawn = mean + (log_variance / 2).exp() * noise
        squares = drawn**2 - noise**2 - log_variance
        sampled.append(squares.reshape(noise.shape[SAMPLE], -1).sum(LATENT).mean(SAMPLE) / 2)
    return {"weight_kl": stack(closed).sum(WEIGHT), "weight_kl_monte_carlo": stack(sampled).sum(WEIGHT)}
