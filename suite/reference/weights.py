"""The canonical weights of a specification: names, axes and shapes, in the order of data flow.

Each family says which are its own: the encoder's first, with the heads of q(z|x), then the prior's, then the decoder's,
with the heads of p(x|z).
"""

from __future__ import annotations

from collections.abc import Iterator

from .slots import Slot
from .spec import Spec


def weight_axes(spec: Spec) -> dict[str, str]:
    """Canonical weights in the order of data flow, each with its axes."""
    return {slot.name: slot.axes for slot in slots(spec)}


def weight_shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """Canonical weights in the order of data flow, each with its shape."""
    return {slot.name: slot.shape for slot in slots(spec)}


def slots(spec: Spec) -> Iterator[Slot]:
    """Canonical weights in the order of data flow."""
    yield from spec.posterior_family.slots(spec)
    yield from spec.prior_family.slots(spec)
    yield from spec.weights_family.slots(decoder_slots(spec))


def decoder_slots(spec: Spec) -> list[Slot]:
    """The decoder's weights themselves, whether they are points or have a posterior."""
    latents = spec.latents_family
    return [*latents.decoder_slots(spec), *spec.network_family.decoder_slots(spec, latents.entering(spec))]


def drawn_shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """The decoder's weights that noise is drawn for, each with its shape; none where they are points."""
    return spec.weights_family.drawn(decoder_slots(spec))
