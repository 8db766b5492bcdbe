"""Experiment 1 for densities in the place of moments: their axes are those of the layout that explains the loss."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ...reference.errors import BadInput
from ..binding import DENSITIES, LATENT, Layout, Slot
from ..lab import Called, Lab
from .bind import bind

if TYPE_CHECKING:
    from ..investigation import Investigation

_OVER_THE_LAST = re.compile(r"sum\(\s*(?:\w+\s*,\s*)?(?:(?:dim|axis)\s*=\s*)?-1")
"""A sum over the last axis: the values are not yet one per example."""


def of_densities(slots: list[Slot], text: str) -> Iterator[Layout]:
    """One value per example, k draws before or after the batch, or one value per pixel and latent."""
    roles = {slot.role for slot in slots}
    data = ("D",) if roles & {"recon", "x"} else ()
    latent = ("J",) if roles & set(LATENT) else ()
    drawn = frozenset(roles & {*DENSITIES, "recon", "z"})
    layouts = [Layout(data, latent)]
    layouts += [Layout(data, latent, samples=drawn, after=after) for after in (False, True)]
    whole = Layout(dense=True)
    yield from [whole, *layouts] if _OVER_THE_LAST.search(text) else [*layouts, whole]
    if data:
        yield Layout(("C", "H", "W"), latent)


def explained(
    loss: Called,
    slots: list[Slot],
    text: str,
    parameters: Mapping[str, Any],
    examine: Callable[[Lab, Mapping[str, Any]], Investigation],
) -> Investigation:
    """The experiments on the first layout whose two terms are known; on one of an edited term, or on any, else.

    Raises:
        BadInput: the loss takes none.
    """
    found: list[Investigation] = []
    errors: list[BadInput] = []
    for layout in of_densities(slots, text):
        try:
            found.append(examine(bind(loss, slots, text, {}, [layout]), parameters))
        except BadInput as error:
            errors.append(error)
            continue
        if _left_open(found[-1]) == 0:
            return found[-1]
    if not found:
        raise errors[0]
    return min(found, key=_left_open)


def _left_open(found: Investigation) -> int:
    """How many terms of a loss are edited, or not known, which counts for more; a sum over draws for less."""
    if found.additive is not None and not found.additive.holds and found.weighted is None:
        return 20
    edited = [match is not None and match.edited is not None for match in (found.recon, found.kl)]
    summed = any(powers and powers.get("k") for powers in found.sizes.values())
    return 2 * sum(edited) + summed + 5 * len(found.unexplained_roles - found.lab.fixed_roles)
