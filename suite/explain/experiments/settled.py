"""Which roles have the arguments of a loss of log densities, beside those that names state?"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from ...reference.errors import BadInput
from ..binding import DENSITIES, Slot
from ..glossary import ROLES


def settled_densities(
    by_role: Mapping[str, list[int]], slots: Sequence[Slot], give: Callable[[int, str], None], lacking: list[str]
) -> list[str]:
    """Give log p(x, z) its role, if there is no log p(z); and the roles that are still without an argument.

    Args:
        by_role: role → places of its arguments.
        slots: the arguments.
        give: gives the argument at a place a role.
        lacking: the roles without an argument.

    Raises:
        BadInput: two arguments have the role of one density.
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
            give(place, "?")  # without μ and z it is no scale, but a weight such as `b`
    there = {"recon", "x"} if {"log_px", "log_joint"} & set(by_role) else set()
    there |= {"mu", "scale"} if {"log_pz", "log_q"} & set(by_role) else set()
    return [role for role in lacking if role not in there]
