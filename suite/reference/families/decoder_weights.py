"""Decoder weights that are points, or have a posterior of their own (full variational Bayes).

D. P. Kingma and M. Welling, *Auto-Encoding Variational Bayes*, Appendix F.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..networks import decode
from ..node import BATCH, LATENT, SAMPLE, WEIGHT, Node, Nodes
from ..spec import Spec
from ..tape import stack
from ..weights import Slot
from .base import Family


class DecoderWeights(Family):
    """Whether the decoder's weights are points, as they stand here, or random variables themselves."""

    condition = "decoder_weights"
    word = "point"

    def slots(self, decoder: Iterable[Slot]) -> Iterator[Slot]:
        """The canonical weights of a decoder whose own weights are `decoder`."""
        yield from decoder

    def drawn(self, decoder: Iterable[Slot]) -> dict[str, tuple[int, ...]]:
        """Each decoder weight that noise is drawn for, with its shape."""
        return {}

    def decode(self, spec: Spec, z: Node, noise: Nodes, w: Nodes) -> dict[str, Node]:
        """z [sample, batch, latent] and noise by weight [sample, ...] → the decoder's heads, [sample, batch, data]."""
        return decode(spec, z, w)

    def terms(self, noise: Nodes, w: Nodes) -> dict[str, Node]:
        """The terms of the weights, by canonical name, [] each."""
        return {}

    def objective(self, spec: Spec, total: Node, found: Nodes, bound: str) -> Node:
        """A bound summed over the batch, and all terms → the objective."""
        return total


class WeightPosterior(DecoderWeights):
    """`<weight>.mean` and `<weight>.log_variance` of q(θ), against p(θ) = N(0, I)."""

    word = "posterior"
    fields = ("data_count",)

    def slots(self, decoder: Iterable[Slot]) -> Iterator[Slot]:
        for slot in decoder:
            yield replace(slot, name=f"{slot.name}.mean")
            yield replace(slot, name=f"{slot.name}.log_variance", centre=-4.0)

    def drawn(self, decoder: Iterable[Slot]) -> dict[str, tuple[int, ...]]:
        return {slot.name: slot.shape for slot in decoder}

    def decode(self, spec: Spec, z: Node, noise: Nodes, w: Nodes) -> dict[str, Node]:
        """Each sample has weights of its own."""
        heads: dict[str, list[Node]] = {}
        for sample in range(z.shape[SAMPLE]):
            theta = {
                name: w[f"{name}.mean"] + (w[f"{name}.log_variance"] / 2).exp() * zeta[sample]
                for name, zeta in noise.items()
            }
            for head, value in decode(spec, z[sample], {**w, **theta}).items():
                heads.setdefault(head, []).append(value)
        return {head: stack(values) for head, values in heads.items()}

    def terms(self, noise: Nodes, w: Nodes) -> dict[str, Node]:
        """KL(q(θ) ‖ N(0, I)) over all decoder weights, in closed form and by the draws."""
        one = next(iter(noise.values())).constant(1.0)
        closed: list[Node] = []
        sampled: list[Node] = []
        for name, zeta in noise.items():
            mean, log_variance = w[f"{name}.mean"], w[f"{name}.log_variance"]
            parts = log_variance.exp() + mean**2 - log_variance - one
            closed.append(parts.reshape(-1).sum(LATENT) / 2)
            theta = mean + (log_variance / 2).exp() * zeta
            squares = theta**2 - zeta**2 - log_variance
            sampled.append(squares.reshape(zeta.shape[SAMPLE], -1).sum(LATENT).mean(SAMPLE) / 2)
        return {"weight_kl": stack(closed).sum(WEIGHT), "weight_kl_monte_carlo": stack(sampled).sum(WEIGHT)}

    def objective(self, spec: Spec, total: Node, found: Nodes, bound: str) -> Node:
        """The KL of the decoder's weights counts once per set."""
        if (weight_kl := f"weight_{bound.replace('elbo', 'kl')}") not in found:
            raise ValueError(f"bound '{bound}' has no KL of the decoder's weights")
        assert spec.data_count
        share = found["elbo"].shape[BATCH] / spec.data_count
        return total - share * found[weight_kl]
