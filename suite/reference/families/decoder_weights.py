"""Decoder weights that are points, or have a posterior of their own (full variational Bayes).

D. P. Kingma and M. Welling, *Auto-Encoding Variational Bayes*, Appendix F.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ..networks import decode
from ..node import BATCH, LATENT, SAMPLE, WEIGHT, Node, stack
from ..slots import Slot
from .base import DecoderWeightsFamily, Weights
from .fields import whole

if TYPE_CHECKING:
    from ..spec import Spec


class Point(DecoderWeightsFamily):
    """Weights as they are."""

    word = "point"

    def slots(self, decoder: Iterable[Slot]) -> Iterator[Slot]:
        yield from decoder

    def drawn(self, decoder: Iterable[Slot]) -> dict[str, tuple[int, ...]]:
        return {}

    def decode(self, spec: Spec, z: Node, noise: Weights, w: Weights) -> dict[str, Node]:
        return decode(spec, z, w)

    def terms(self, noise: Weights, w: Weights) -> dict[str, Node]:
        return {}

    def objective(self, spec: Spec, total: Node, found: Weights, bound: str) -> Node:
        return total


class WeightPosterior(DecoderWeightsFamily):
    """`<weight>.mean` and `<weight>.log_variance` of q(θ), against p(θ) = N(0, I)."""

    word = "posterior"
    fields = (whole("data_count"),)

    def slots(self, decoder: Iterable[Slot]) -> Iterator[Slot]:
        for slot in decoder:
            yield replace(slot, name=f"{slot.name}.mean")
            yield replace(slot, name=f"{slot.name}.log_variance", centre=-4.0)

    def drawn(self, decoder: Iterable[Slot]) -> dict[str, tuple[int, ...]]:
        return {slot.name: slot.shape for slot in decoder}

    def decode(self, spec: Spec, z: Node, noise: Weights, w: Weights) -> dict[str, Node]:
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

    def terms(self, noise: Weights, w: Weights) -> dict[str, Node]:
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

    def objective(self, spec: Spec, total: Node, found: Weights, bound: str) -> Node:
        """The KL of the decoder's weights counts once per set."""
        if (weight_kl := f"weight_{bound.replace('elbo', 'kl')}") not in found:
            raise ValueError(f"bound '{bound}' has no KL of the decoder's weights")
        assert spec.data_count
        share = found["elbo"].shape[BATCH] / spec.data_count
        return total - share * found[weight_kl]
