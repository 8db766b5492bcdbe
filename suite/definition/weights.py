"""The canonical weights of a specification: names, axes and shapes, in the order of data flow.

Encoder: `encoder.hidden.<i>` (convolutions first: `encoder.conv.<i>`), then the heads of q(z|x): `encoder.mean`,
`encoder.log_variance` (one output where the posterior is isotropic); `encoder.cholesky` (full: a square matrix, of
which the entries below the diagonal count) or `encoder.rank_one` (u of D + uuᵀ, where log D is −log_variance). Without
an encoder: `posterior.mean` and `posterior.log_variance`, a row per datum.

Prior: `prior.mean`, `prior.log_variance`; or `prior.pseudo_inputs`, a row per component.

Decoder: `decoder.latent.<l>` (G of a deep latent Gaussian model) and `decoder.transition.<l>` (T, from layer l + 1 to
l); `decoder.chain.<l>` (the layers and heads that give layer l of a chain from layer l + 1; `encoder.chain.<l>` goes
the other way); `decoder.hidden.<i>`, `decoder.conv.<i>`, and the heads of p(x|z). Where its weights have a posterior,
each is a `.mean` and a `.log_variance`.

A gated hidden layer has a second layer, `....gate`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import prod

from .spec import Spec

IMAGE = "(channel height width)"


@dataclass(frozen=True)
class Slot:
    """One canonical weight.

    Attributes:
        axes: by name, outermost first. Parentheses mark a composite axis, outermost part first:
            `out (channel height width)` is a matrix whose columns run over an image.
        shape: one size per axis.
    """

    name: str
    axes: str
    shape: tuple[int, ...]


def weight_axes(spec: Spec) -> dict[str, str]:
    """Canonical weights in the order of data flow, each with its axes."""
    return {slot.name: slot.axes for slot in slots(spec)}


def weight_shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """Canonical weights in the order of data flow, each with its shape."""
    return {slot.name: slot.shape for slot in slots(spec)}


def slots(spec: Spec) -> Iterator[Slot]:
    """Canonical weights in the order of data flow."""
    if spec.posterior == "free":
        assert spec.data_count
        for part in ("mean", "log_variance"):
            yield Slot(f"posterior.{part}", "datum latent", (spec.data_count, spec.latent_dim))
    else:
        yield from _encoder(spec)
    if spec.prior == "learned":
        for part in ("mean", "log_variance"):
            yield Slot(f"prior.{part}", "latent", (spec.latent_dim,))
    if spec.prior == "vamp":
        assert spec.components
        yield Slot("prior.pseudo_inputs", "component data", (spec.components, spec.data_dim))
    for slot in _decoder(spec):
        if spec.decoder_weights == "point":
            yield slot
        else:
            for part in ("mean", "log_variance"):
                yield Slot(f"{slot.name}.{part}", slot.axes, slot.shape)


def decoder_slots(spec: Spec) -> list[Slot]:
    """The decoder's weights themselves, whether they are points or have a posterior."""
    return list(_decoder(spec))


def _layer(name: str, fan_out: int, fan_in: int, *, out: str = "out", into: str = "in") -> Iterator[Slot]:
    yield Slot(f"{name}.weight", f"{out} {into}", (fan_out, fan_in))
    yield Slot(f"{name}.bias", out, (fan_out,))


def _convolution(name: str, fan_out: int, fan_in: int, *, transposed: bool = False) -> Iterator[Slot]:
    axes, shape = ("in out", (fan_in, fan_out)) if transposed else ("out in", (fan_out, fan_in))
    yield Slot(f"{name}.weight", f"{axes} height width", (*shape, 3, 3))
    yield Slot(f"{name}.bias", "out", (fan_out,))


def _hidden(spec: Spec, name: str, fan_out: int, fan_in: int, *, out: str = "out", into: str = "in") -> Iterator[Slot]:
    yield from _layer(name, fan_out, fan_in, out=out, into=into)
    if spec.activation == "gated":
        yield from _layer(f"{name}.gate", fan_out, fan_in)


def _encoder(spec: Spec) -> Iterator[Slot]:
    width, into = spec.data_dim, "in"
    if spec.network == "conv":
        assert spec.image_shape and spec.channels
        for i, (fan_in, fan_out) in enumerate(pairwise((spec.image_shape[0], *spec.channels))):
            yield from _convolution(f"encoder.conv.{i}", fan_out, fan_in)
        width, into = prod(spec.bottom_shape), IMAGE
    for i, hidden in enumerate(spec.hidden):
        yield from _hidden(spec, f"encoder.hidden.{i}", hidden, width, into=into)
        width, into = hidden, "in"
    latent = spec.chain[0] if spec.chain else spec.latent_dim
    yield from _layer("encoder.mean", latent, width)
    yield from _layer("encoder.log_variance", 1 if spec.posterior == "isotropic" else latent, width)
    for i, (below, above) in enumerate(pairwise(spec.chain or ())):
        yield from _conditional(spec, f"encoder.chain.{i}", above, below, spec.hidden)
    if spec.posterior == "full":
        yield from _layer("encoder.cholesky", spec.latent_dim**2, width, out="(row column)")
    if spec.posterior == "rank-one":
        yield from _layer("encoder.rank_one", spec.latent_dim, width)


def _conditional(spec: Spec, name: str, fan_out: int, fan_in: int, widths: tuple[int, ...]) -> Iterator[Slot]:
    """A net from one layer of a chain to the mean and log-variance of its neighbour."""
    for i, (into, out) in enumerate(pairwise((fan_in, *widths))):
        yield from _hidden(spec, f"{name}.hidden.{i}", out, into)
    for head in ("mean", "log_variance"):
        yield from _layer(f"{name}.{head}", fan_out, widths[-1])


def _decoder(spec: Spec) -> Iterator[Slot]:
    width = spec.latent_dim
    widths = spec.hidden[::-1]
    if spec.latents:
        for i, size in enumerate(spec.latents):
            yield Slot(f"decoder.latent.{i}.weight", "out in", (size, size))
        for i, (below, above) in enumerate(pairwise(spec.latents)):
            for k, (fan_in, fan_out) in enumerate(pairwise((above, *widths))):
                yield from _hidden(spec, f"decoder.transition.{i}.hidden.{k}", fan_out, fan_in)
            yield from _layer(f"decoder.transition.{i}.output", below, widths[-1])
        width = spec.latents[0]
    if spec.chain:
        for i, (below, above) in enumerate(pairwise(spec.chain)):
            yield from _conditional(spec, f"decoder.chain.{i}", below, above, widths)
        width = spec.chain[0]
    if spec.network == "conv":
        assert spec.image_shape and spec.channels
        yield from _layer("decoder.hidden.0", prod(spec.bottom_shape), width, out=IMAGE)
        for i, (fan_in, fan_out) in enumerate(pairwise((spec.channels[-1], *spec.channels[::-1]))):
            yield from _convolution(f"decoder.conv.{i}", fan_out, fan_in, transposed=True)
        yield from _convolution("decoder.logits", spec.image_shape[0], spec.channels[0])
        return
    for i, hidden in enumerate(widths):
        yield from _hidden(spec, f"decoder.hidden.{i}", hidden, width)
        width = hidden
    for head in spec.heads:
        yield from _layer(f"decoder.{head}", spec.data_dim, width)
