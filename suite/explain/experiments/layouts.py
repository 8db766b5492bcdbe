"""Which axes may the values of each role have? Layouts in the order in which they are tried."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

from ..binding import LATENT, Layout, Slot
from ..glossary import documented_shapes

_TRIED_DATA = (("D",), ("C", "H", "W"), ("S", "A"), ())


_TRIED_LATENT = (("J",), ("c", "h", "w"), ())


_LATENT_OF_STEPS = ("S", "Z")
"""The axes of latents of which each step of a series has its own."""


_SAMPLED = (frozenset[str](), frozenset({"recon", "z"}), frozenset({"recon"}), frozenset({"z"}))


def layouts(slots: list[Slot], text: str) -> Iterator[Layout]:
    """The layouts to try, in order, without those that contradict the shapes in the docstring.

    Args:
        slots: the arguments.
        text: the docstring and the source of the loss.
    """
    shapes = documented_shapes(text)
    roles = {slot.role for slot in slots}
    hinted = {slot.name: shapes[slot.name] for slot in slots if slot.name in shapes}
    hinted |= {
        slot.name: shapes[star]
        for slot in slots
        for star in shapes
        if star.endswith("*") and slot.name.startswith(star[:-1])
    }
    draws = [samples for samples in _SAMPLED if samples <= roles]
    latents = (*_TRIED_LATENT, _LATENT_OF_STEPS) if "moments" in roles or hinted else _TRIED_LATENT[:2]
    small = frozenset(role for role in ("recon_scale",) if role in roles)
    # Posterior arguments in the plural that are looped over may be lists, a tensor per layer. A loop that includes the
    # data runs over examples.
    looped = [slot for slot in slots if iterates(text, slot.name)]
    plural = bool(looped) and all(slot.role in LATENT and slot.name.endswith(("s", "list")) for slot in looped)
    data_axes = (("D",), ("S", "A"), ("C", "H", "W"), ()) if _sums_series(text) else _TRIED_DATA
    of_classes = [
        layout
        for layout in _of_classes_or_matrices(roles)
        if all(_agrees(layout, slot, hinted[slot.name]) for slot in slots if slot.name in hinted)
    ]
    if re.search(r"(?<![a-zA-Z_])(cross_entropy|nll_loss|CrossEntropyLoss|NLLLoss)\b", text):
        yield from (layout for layout in of_classes if layout.classes)
    shapes_of = product((plural, not plural), draws, data_axes, latents, (True, False))
    # Layouts with a batch axis come before those without; layouts without data or latent axes come last.
    for listed, samples, data, latent, batch in sorted(shapes_of, key=lambda s: (not s[2] or not s[3], not s[4])):
        if (not data and not batch) or (latent == _LATENT_OF_STEPS and data[:1] != ("S",)):
            continue
        for last, mask, shared, scalar in product(
            (False, True) if "moments" in roles and len(latent) > 1 else (False,),
            tuple(range(len(data), 0, -1)) if "mask" in roles else (1,),
            ((), ("dispersion",)) if "dispersion" in roles else ((),),
            (frozenset[str](), small) if small else (frozenset[str](),),
        ):
            layout = Layout(data, latent, batch, samples, listed, mask, frozenset(shared), scalar, last)
            if all(_agrees(layout, slot, hinted[slot.name]) for slot in slots if slot.name in hinted):
                if not batch and not hinted:
                    continue  # a sum over one example looks like a sum over a batch: only a docstring tells
                yield layout
    yield from (
        layout
        for layout in of_each_draw(roles)
        if all(_agrees(layout, slot, hinted[slot.name]) for slot in slots if slot.name in hinted)
    )
    yield from of_classes


def _of_classes_or_matrices(roles: set[str]) -> Iterator[Layout]:
    """The layouts in which the reconstruction has a class axis, or the scale is a matrix [J, J]."""
    if {"recon", "x"} <= roles and not roles & {"mask", "dispersion", "recon_scale"}:
        for classes, data in product(("first", "last"), (("D",), ("H", "W"), ())):
            yield Layout(data, classes=classes)
    if {"mu", "scale"} <= roles and not roles & {"z", "prior_mu", "prior_scale"}:
        for matrix, data in product(("cholesky", "covariance"), (("D",), ("C", "H", "W"))):
            yield Layout(data, matrix=matrix)


def _sums_series(text: str) -> bool:
    """Whether a source reduces axes 1 and 2 together and no axis 3, so that its data are series and not images."""
    reduced = re.findall(r"(?:dims?|axis|axes|sum|mean|reduce_sum|reduce_mean)\s*[=(]\s*[(\[]([-\d,\s]+)[)\]]", text)
    axes = {tuple(re.findall(r"-?\d+", one)) for one in reduced}
    return ("1", "2") in axes and not any("3" in one for one in axes)


def iterates(text: str, name: str) -> bool:
    """Whether a source loops over an argument."""
    return bool(re.search(rf"\b(for\b.*\bin|zip\(|enumerate\()[^\n]*\b{name}\b", text))


def _agrees(layout: Layout, slot: Slot, axes: tuple[str, ...]) -> bool:
    """Whether an argument has as many axes in a layout as in the docstring, and draws and lists in both or neither."""
    listed = axes[:1] == ("*",)
    if (slot.role in LATENT or slot.role == "moments") and listed != layout.listed:
        return False
    role = "mu" if slot.role == "moments" else slot.role
    if role == "parameter":
        return True
    own = tuple(axis for axis in layout.axes(role) if axis != "T")
    named = axes[1:] if listed else axes
    draws = (
        named[0].lower() in ("k", "l", "s", "samples", "draws", "num_samples", "n_samples") if len(named) > 1 else False
    )
    return len(own) == len(named) and draws == (own[:1] == ("k",))


def of_each_draw(roles: set[str]) -> Iterator[Layout]:
    """Layouts in which k draws stand after the batch, or the moments are repeated for each."""
    if not {"recon", "x"} <= roles or roles & {"mask", "dispersion", "recon_scale"}:
        return
    drawn = frozenset({"recon", "z"} & roles)
    whole = frozenset({"recon", "z", "mu", "scale"} & roles)
    for samples, after in ((drawn, True), (whole, True), (whole, False)):
        for data in (("D",), ("C", "H", "W")):
            yield Layout(data, samples=samples, after=after)
