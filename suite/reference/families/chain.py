"""Stochastic layers that depend on each other: q(h¹|x) q(h²|h¹) … and p(h^L) … p(h¹|h²).

Y. Burda, R. Grosse and R. Salakhutdinov, *Importance Weighted Autoencoders*, 2016, section 2: equations 1 and 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from itertools import pairwise
from operator import add

from ..networks import affine, hidden, layer_of
from ..node import Node, Nodes
from ..normal import Drawn, log_density_of_draw, log_normal, log_normal_of_squares, scale_kinds
from ..spec import Spec
from ..tape import concatenate
from ..weights import Slot, hidden_layers, layer
from .latents import Latents


class Chain(Latents):
    """`encoder.chain.<l>` gives layer l + 1 from layer l, `decoder.chain.<l>` the other way; sizes are in `chain`."""

    word = "chain"
    fields = ("chain",)
    combines = (("posterior", ("diagonal",)), ("prior", ("standard",)), ("decoder_weights", ("point",)))

    def contradictions(self, spec: Spec) -> Iterator[tuple[str, str]]:
        yield from super().contradictions(spec)
        if len(spec.layers) < 2:
            yield "chain", f"expected two layers or more; found {list(spec.layers)}"

    def encoded(self, spec: Spec) -> int:
        return spec.layers[0]

    def encoder_slots(self, spec: Spec) -> Iterator[Slot]:
        for i, (below, above) in enumerate(pairwise(spec.layers)):
            yield from _conditional_slots(spec, f"encoder.chain.{i}", above, below, spec.hidden)

    def decoder_slots(self, spec: Spec) -> Iterator[Slot]:
        for i, (below, above) in enumerate(pairwise(spec.layers)):
            yield from _conditional_slots(spec, f"decoder.chain.{i}", below, above, spec.hidden[::-1])

    def draw(self, spec: Spec, heads: Nodes, noise: Node, w: Nodes) -> Drawn:
        """Each layer is Gaussian with a mean and a log-variance out of the layer below.

        Mean, variance and scale kinds are those of q(h¹|x): the further layers have one of each per draw.
        """
        mean, log_variance = heads["mean"], heads["log_variance"]
        scales = scale_kinds("posterior", log_variance)
        layers: list[Node] = []
        densities: list[Node] = []
        for i in range(len(spec.layers)):
            epsilon = layer_of(noise, spec.layers, i)
            if i > 0:
                mean, log_variance = conditional(spec, layers[-1], w, f"encoder.chain.{i - 1}")
            layers.append(mean + (log_variance / 2).exp() * epsilon)
            densities.append(log_density_of_draw(layers[-1], mean, log_variance, epsilon))
        return Drawn(
            mean=heads["mean"],
            variance=scales["posterior_variance"],
            log_variance=heads["log_variance"],
            rest=None,
            latent=concatenate(layers),
            log_density=reduce(add, densities),
            tensors=scales,
        )

    def log_prior(self, spec: Spec, z: Node, w: Nodes) -> Node:
        """log p(h^L) + Σ_l log p(h^l|h^(l+1))."""
        layers = [layer_of(z, spec.layers, i) for i in range(len(spec.layers))]
        total = log_normal_of_squares(z.constant(0.0), layers[-1] ** 2)
        for i in reversed(range(len(layers) - 1)):
            mean, log_variance = conditional(spec, layers[i + 1], w, f"decoder.chain.{i}")
            total = total + log_normal(layers[i], mean, log_variance)
        return total

    def closed_form_kl(self, spec: Spec, q: Drawn, w: Nodes) -> None:
        return None

    def enter(self, spec: Spec, z: Node, w: Nodes) -> Node:
        return layer_of(z, spec.layers, 0)


def conditional(spec: Spec, neighbour: Node, w: Nodes, name: str) -> tuple[Node, Node]:
    """One layer of a chain → mean and log-variance of its neighbour."""
    last = hidden(spec, neighbour, w, f"{name}.hidden")
    return affine(last, w, f"{name}.mean"), affine(last, w, f"{name}.log_variance")


def _conditional_slots(spec: Spec, name: str, fan_out: int, fan_in: int, widths: tuple[int, ...]) -> Iterator[Slot]:
    yield from hidden_layers(spec, f"{name}.hidden", (fan_in, *widths))
    for head in ("mean", "log_variance"):
        yield from layer(f"{name}.{head}", fan_out, widths[-1])
