"""All canonical tensors of a problem on a tape: the definition itself, term by term."""

from __future__ import annotations

import math
from collections.abc import Mapping

from .chain import chain_posterior
from .networks import decode, encode
from .posteriors import log_normal, posterior, scale_kinds, squared
from .priors import closed_form_kl, log_prior
from .spec import Spec
from .tape import Node, Tape
from .weights import decoder_slots

Weights = Mapping[str, Node]


def terms(
    tape: Tape, spec: Spec, x: Node, noise: Node, weight_noise: Mapping[str, Node], w: Weights, bound: str
) -> dict[str, Node]:
    """The canonical tensors in the order of data flow, then `objective`.

    Args:
        tape: what all is computed on.
        spec: the model.
        x: [batch, data].
        noise: [sample, batch, latent].
        weight_noise: decoder weight → [sample, ...]; empty where they are points.
        w: canonical weights.
        bound: what the objective reduces, one of `roles.BOUNDS`.
    """
    heads = encode(tape, spec, x, w)
    q = chain_posterior(tape, spec, heads, noise, w) if spec.chain else posterior(tape, spec, heads, noise)
    decoded = _decoded(tape, spec, q.latent, weight_noise, w)
    likelihoods = _log_likelihood(tape, spec, x, decoded)
    priors = log_prior(tape, spec, q.latent, w)
    log_likelihood = tape.mean(likelihoods, axis=0)
    sampled_kl = tape.mean(tape.sub(q.log_density, priors), axis=0)
    closed = closed_form_kl(tape, spec, q, w)
    kl = sampled_kl if closed is None else closed  # without a closed form the sampled one is the definition
    log_ratio = tape.sub(tape.add(likelihoods, priors), q.log_density)
    log_samples = tape.input(math.log(noise.value.shape[1]))
    found = {
        "posterior_mean": q.mean,
        **q.tensors,
        **_prior_tensors(tape, spec, w),
        "latent": q.latent,
        **_decoder_tensors(tape, spec, decoded),
        "log_likelihood": log_likelihood,
        "log_prior": tape.mean(priors, axis=0),
        "log_posterior": tape.mean(q.log_density, axis=0),
        "kl": kl,
        "kl_monte_carlo": sampled_kl,
        "elbo": tape.sub(log_likelihood, kl),
        "elbo_monte_carlo": tape.mean(log_ratio, axis=0),
        "weighted_elbo": tape.sub(log_likelihood, tape.scale(kl, spec.beta)),
        "weighted_elbo_monte_carlo": tape.sub(log_likelihood, tape.scale(sampled_kl, spec.beta)),
        "iwae": tape.sub(tape.logsumexp(log_ratio, axis=0), log_samples),
        **_weight_terms(tape, spec, weight_noise, w),
    }
    return {**found, "objective": _objective(tape, spec, found, bound)}


def _objective(tape: Tape, spec: Spec, found: Mapping[str, Node], bound: str) -> Node:
    """The bound, its KL weighed by β, summed over the batch; the KL of the decoder's weights counts once per set."""
    weighed = f"weighted_{bound}"
    if spec.beta != 1 and weighed not in found:
        raise ValueError(f"bound '{bound}' has no KL that beta = {spec.beta} could weigh")
    total = tape.sum(found[bound if spec.beta == 1 else weighed], axis=-1)
    if spec.decoder_weights == "point":
        return total
    if (weight_kl := f"weight_{bound.replace('elbo', 'kl')}") not in found:
        raise ValueError(f"bound '{bound}' has no KL of the decoder's weights")
    assert spec.data_count
    share = found["elbo"].value.shape[1] / spec.data_count
    return tape.sub(total, tape.scale(found[weight_kl], share))


def _decoded(tape: Tape, spec: Spec, latent: Node, weight_noise: Mapping[str, Node], w: Weights) -> dict[str, Node]:
    """The decoder's heads, [sample, batch, data] each; where its weights have a posterior, each sample has its own."""
    if spec.decoder_weights == "point":
        return decode(tape, spec, latent, w)
    heads: dict[str, list[Node]] = {}
    for sample in range(latent.value.shape[1]):
        drawn = {
            name: tape.add(
                w[f"{name}.mean"],
                tape.mul(tape.exp(tape.scale(w[f"{name}.log_variance"], 0.5)), tape.take(noise, sample)),
            )
            for name, noise in weight_noise.items()
        }
        for head, value in decode(tape, spec, tape.take(latent, sample), {**w, **drawn}).items():
            heads.setdefault(head, []).append(value)
    return {head: tape.stack(values) for head, values in heads.items()}


def _decoder_tensors(tape: Tape, spec: Spec, heads: Mapping[str, Node]) -> dict[str, Node]:
    if spec.likelihood == "bernoulli":
        return {"decoder_logits": heads["logits"], "decoder_probability": tape.sigmoid(heads["logits"])}
    if spec.likelihood == "gaussian":
        return {"decoder_mean": heads["mean"], **scale_kinds(tape, "decoder", heads["log_variance"])}
    return {"decoder_mean": heads["mean"]}


def _prior_tensors(tape: Tape, spec: Spec, w: Weights) -> dict[str, Node]:
    if spec.prior != "learned":
        return {}
    return {"prior_mean": w["prior.mean"], **scale_kinds(tape, "prior", w["prior.log_variance"])}


def _log_likelihood(tape: Tape, spec: Spec, x: Node, heads: Mapping[str, Node]) -> Node:
    """log p(x|z) [sample, batch]."""
    if spec.likelihood == "bernoulli":
        return tape.sum(tape.bernoulli(heads["logits"], x), axis=-1)
    if spec.likelihood == "gaussian":
        log_variance = heads["log_variance"]
        return log_normal(tape, log_variance, squared(tape, x, heads["mean"], log_variance))
    assert spec.variance is not None
    difference = tape.sub(x, heads["mean"])
    squares = tape.mul(tape.mul(difference, difference), tape.input(1 / spec.variance))
    return log_normal(tape, tape.input(math.log(spec.variance)), squares)


def _weight_terms(tape: Tape, spec: Spec, weight_noise: Mapping[str, Node], w: Weights) -> dict[str, Node]:
    """KL(q(θ) ‖ N(0, I)) over all decoder weights, in closed form and by the draws; [] each.

    D. P. Kingma and M. Welling, *Auto-Encoding Variational Bayes*, Appendix F.
    """
    if spec.decoder_weights == "point":
        return {}
    one = tape.input(1.0)
    closed: list[Node] = []
    sampled: list[Node] = []
    for slot in decoder_slots(spec):
        mean, log_variance = w[f"{slot.name}.mean"], w[f"{slot.name}.log_variance"]
        moments = tape.add(tape.exp(log_variance), tape.mul(mean, mean))
        parts = tape.sub(tape.sub(moments, log_variance), one)
        closed.append(tape.scale(tape.sum(tape.reshape(parts, -1), axis=-1), 0.5))
        noise = weight_noise[slot.name]
        drawn = tape.add(mean, tape.mul(tape.exp(tape.scale(log_variance, 0.5)), noise))
        squares = tape.sub(tape.sub(tape.mul(drawn, drawn), tape.mul(noise, noise)), log_variance)
        flat = tape.reshape(squares, noise.value.shape[1], -1)
        sampled.append(tape.scale(tape.mean(tape.sum(flat, axis=-1), axis=0), 0.5))
    return {
        "weight_kl": tape.sum(tape.stack(closed), axis=0),
        "weight_kl_monte_carlo": tape.sum(tape.stack(sampled), axis=0),
    }
