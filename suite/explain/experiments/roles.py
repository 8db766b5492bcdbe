"""Which roles have arguments whose names alone do not decide it: log densities, and the weights of two terms?"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ...reference.errors import BadInput
from ..binding import DENSITIES, Slot
from ..glossary import ROLES


def roles_of_densities(
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
    moments = "log_q" not in by_role and "log_pz" not in by_role
    for place in by_role.get("log_px", []) if moments and "x" in by_role and "recon" not in by_role else []:
        give(place, "recon")  # beside the data it has a value for each of them
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


def weights_of_terms(slots: list[Slot]) -> list[Slot]:
    """The slots, with a number in place of `s_rec` where there is an `s_kl`: each is the weight of a term."""
    stems = {found[1] for slot in slots if (found := re.match(r"(\w+)_(kl|kld|kl_div)$", slot.name.lower()))}
    found_slots = []
    for slot in slots:
        stem, _, term = slot.name.lower().rpartition("_")
        weighs = stem in stems and term in ("rec", "recon", "reconstruction", "bce", "mse", "nll", "x")
        found_slots.append(
            replace(slot, role="parameter", default=0.5, given=False) if weighs and slot.role != "parameter" else slot
        )
    return found_slots
