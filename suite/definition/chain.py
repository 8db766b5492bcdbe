"""Stochastic layers that depend on each other, on a tape: q(h¹|x) q(h²|h¹) … and p(h^L) … p(h¹|h²).

Y. Burda, R. Grosse and R. Salakhutdinov, *Importance Weighted Autoencoders*, 2016, section 2: equations 1 and 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add

from .networks import conditional, layer_of
from .node import Node, concatenate
from .posteriors import Posterior, log_density_of_draw, log_normal, scale_kinds, squared
from .spec import Spec

Weights = Mapping[str, Node]


def chain_posterior(spec: Spec, heads: Mapping[str, Node], noise: Node, w: Weights) -> Posterior:
    """A draw of all layers, each Gaussian with a mean and a log-variance out of the layer below.

    Mean, variance and scale kinds are those of q(h¹|x): the further layers have one of each per draw.
    """
    assert spec.chain
    mean, log_variance = heads["mean"], heads["log_variance"]
    scales = scale_kinds("posterior", log_variance)
    layers: list[Node] = []
    densities: list[Node] = []
    for i in range(len(spec.chain)):
        own = layer_of(noise, spec.chain, i)
        if i > 0:
            mean, log_variance = conditional(spec, layers[-1], w, f"encoder.chain.{i - 1}")
        layers.append(mean + (log_variance / 2).exp() * own)
        densities.append(log_density_of_draw(layers[-1], mean, log_variance, own))
    return Posterior(
        mean=heads["mean"],
        variance=scales["posterior_variance"],
        log_variance=heads["log_variance"],
        rest=None,
        latent=concatenate(layers),
        log_density=reduce(add, densities),
        tensors=scales,
    )


def chain_log_prior(spec: Spec, latents: Node, w: Weights) -> Node:
    """latents [sample, batch, latent] → log p(h^L) + Σ_l log p(h^l|h^(l+1)) [sample, batch]."""
    assert spec.chain
    layers = [layer_of(latents, spec.chain, i) for i in range(len(spec.chain))]
    total = log_normal(latents.constant(0.0), layers[-1] ** 2)
    for i in reversed(range(len(layers) - 1)):
        mean, log_variance = conditional(spec, layers[i + 1], w, f"decoder.chain.{i}")
        total = total + log_normal(log_variance, squared(layers[i], mean, log_variance))
    return total
