"""Roles of densities that two arguments claim, or that none does."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from ...reference.errors import BadInput
from ..binding import DENSITIES, Slot
from ..glossary import ROLES


def settled_densities(
    by_role: Mapping[str, list[int]], slots: Sequence[Slot], give: Callable[[int, str], None], lacking: list[str]
) -> list[str]:
    """Name the joint density, which has no prior beside it; the roles that are still lacking.

    Raises:
        BadInput: two arguments are one density.
    """
    for role in DENSITIES:
        if len(several := by_role.get(role, [])) > 1:
            names = " and ".join(slots[place].name for place in several)
            raise BadInput(f"{names}: expected one argument that is {ROLES[role]}; found {len(several)}")
    alone = "log_q" in by_role and "log_pz" not in by_role
    for place in by_role.get("log_px", []) if alone else []:
        if re.search("xz$|x_and_z$", slots[place].name.lower()):
            give(place, "log_joint")
    if not {"mu", "moments", "z"} & set(by_role):
        for place in by_role.get("scale", []):
            give(place, "?")  # a scale of nothing: a weight that is called `b`
    there = {"recon", "x"} if {"log_px", "log_joint"} & set(by_role) else set()
    there |= {"mu", "scale"} if {"log_pz", "log_q"} & set(by_role) else set()
    return [role for role in lacking if role not in there]
