"""Experiment 1 for a loss of log densities: with which axes? The layout is taken with which the loss is explained."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...reference.errors import BadInput
from ..binding import DENSITIES, LATENT, Layout, Slot
from ..investigation import Investigation
from ..lab import Called, Lab
from .bind import bind

_OVER_THE_LAST = re.compile(r"sum\(\s*(?:\w+\s*,\s*)?(?:(?:dim|axis)\s*=\s*)?-1")
"""A sum over the last axis in the source: the densities have more than one value per example."""


def of_densities(slots: list[Slot], text: str) -> Iterator[Layout]:
    """The layouts to try: one value per example, k draws before or after N, or one value per pixel and latent."""
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
    """The results with the first layout in which both terms are known; else with the layout that leaves least open.

    Args:
        loss: the user's loss.
        slots: its arguments.
        text: its docstring and source.
        parameters: argument → value, as the user gave them.
        examine: runs the experiments on a bound loss.

    Raises:
        BadInput: the loss can be called with no layout.
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
    """A penalty of a result: 5 for an unexplained role, 2 for an edited term, 1 for a sum over draws."""
    if found.additive is not None and not found.additive.holds and found.weighted is None:
        return 20
    edited = [match is not None and match.edited is not None for match in (found.recon, found.kl)]
    summed = any(powers and powers.get("k") for powers in found.sizes.values())
    return 2 * sum(edited) + summed + 5 * len(found.unexplained_roles - found.lab.fixed_roles)
