"""Experiment 1: which argument has which role, and with which axes can the loss be called?"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from ...reference.errors import BadInput
from ..binding import DENSITIES, KEY, Binding, Layout, Slot
from ..glossary import ROLES, is_key, is_time, kind_of, role_of
from ..lab import Called, Lab, LossFailed
from .layouts import layouts
from .roles import roles_of_densities, weights_of_terms

SIZES: dict[str, int] = {
    "N": 5,
    "D": 7,
    "J": 3,
    "C": 2,
    "H": 3,
    "W": 4,
    "S": 4,
    "A": 3,
    "c": 2,
    "h": 3,
    "w": 4,
    "k": 6,
    "Z": 2,
    "T": 8,
    "K": 6,
}
"""The first size of each axis: axes of one tensor have different sizes."""

_OF_DATA_TOO = ("y", "p")
"""Names of predictions that are data if another prediction, such as `y_hat`, is there too."""
_NUMBERS = (0.5, 1, 2)


def slots_of(function: Callable[..., Any], arguments: Mapping[str, str], parameters: Mapping[str, Any]) -> list[Slot]:
    """The arguments of a loss, with the roles that their names suggest.

    Args:
        function: the loss.
        arguments: argument → role, of `--arguments`.
        parameters: argument → value, of `--set`.

    Raises:
        BadInput: the loss has no argument of a given name, or a given role is unknown.
    """
    found: list[Slot] = []
    signature = inspect.signature(function).parameters
    for name in {**arguments, **parameters}:
        if name not in signature:
            raise BadInput(f"argument '{name}': expected one of {', '.join(signature)}; the loss has none of this name")
    words = {word: role for role, word in ROLES.items()} | {role: role for role in ROLES}
    taken: set[str] = set()
    for name, parameter in signature.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        default = parameter.default
        if name in arguments:
            if arguments[name] not in words:
                raise BadInput(f"--arguments {name}: expected one of {', '.join(words)}; found '{arguments[name]}'")
            role: str | None = words[arguments[name]]
        elif name in parameters or is_time(name) or isinstance(default, int | float | str | bool):
            role = "parameter"
        elif default is None or (default is not parameter.empty and role_of(name) is None):
            continue  # an optional argument is left out of the calls
        else:
            role = role_of(name)
        if default is parameter.empty and name not in (*arguments, *parameters) and is_key(name):
            role, default = "parameter", KEY
        if role == "parameter" and default is not KEY:
            default = parameters.get(name, 1 if is_time(name) else 0.5) if default is parameter.empty else default
            default = parameters.get(name, default)
        given = parameter.default is not parameter.empty or name in parameters
        named = name in arguments or name == "x" or len(name) > 1  # a `y` is data for some, and a prediction for others
        found.append(Slot(name, role or "?", default, given=given, named=named))
        taken.add(role or "?")
    return _with_distinct_roles(weights_of_terms(found))


def _with_distinct_roles(slots: list[Slot]) -> list[Slot]:
    """The arguments, where each of two with one role, and each without a role, gets a role that no other has."""
    by_role: dict[str, list[int]] = {}
    for place, slot in enumerate(slots):
        by_role.setdefault(slot.role, []).append(place)
    distinct = list(slots)

    def give(place: int, role: str) -> None:
        distinct[place] = replace(distinct[place], role=role, named=False)

    if len(by_role.get("recon", [])) == 2 and "x" not in by_role:
        plain = [place for place in by_role["recon"] if slots[place].name.lower() in _OF_DATA_TOO]
        give(plain[0] if len(plain) == 1 else by_role["recon"][1], "x")
    elif len(by_role.get("x", [])) == 2 and "recon" not in by_role:
        give(by_role["x"][0], "recon")
    scales = by_role.get("scale", [])
    if len(scales) == 2:
        first, second = (kind_of(slots[place].name) for place in scales)
        logs = [kind is not None and kind.startswith("log") for kind in (first, second)]
        if first and second and logs[0] is not logs[1]:  # one scale and its logarithm
            distinct[scales[1]] = replace(slots[scales[1]], tied=(first, second))
        elif "recon_scale" not in by_role:
            give(scales[1], "recon_scale")
    if scales and "moments" in by_role and "recon_scale" not in by_role:
        give(scales[0], "recon_scale")
    if len(by_role.get("mu", [])) == 2 and "recon" not in by_role:
        give(by_role["mu"][0], "recon")
    lacking = [role for role in ("recon", "x", "mu", "scale") if not any(slot.role == role for slot in distinct)]
    if set(by_role) & set(DENSITIES):
        lacking = roles_of_densities(by_role, slots, give, lacking)
    unknown = [place for place, slot in enumerate(distinct) if slot.role == "?"]
    if any(slot.role == "moments" for slot in distinct):
        lacking = [role for role in lacking if role in ("recon", "x")]
    for place, role in zip(unknown, lacking, strict=False):
        give(place, role)
    with_roles = [slot if slot.role != "?" else replace(slot, role="parameter", default=0.5) for slot in distinct]
    ours = [slot for slot in with_roles if slot.role == "parameter" and not slot.given and slot.default == 0.5]
    apart = {slot.name: 0.5 + place / 8 for place, slot in enumerate(ours)}  # two weights of 0.5 may cancel
    return [replace(slot, default=apart.get(slot.name, slot.default)) for slot in with_roles]


def bind(
    loss: Called, slots: list[Slot], text: str, limits: Mapping[str, int], tried: Sequence[Layout] | None = None
) -> Lab:
    """The first layout and domains with which the loss can be called at two sizes.

    Args:
        loss: the user's loss.
        slots: its arguments.
        text: its docstring and source.
        limits: axis → a size that the source fixes.
        tried: the layouts to try; by default those of `layouts`.

    Raises:
        BadInput: the loss fails with every layout; the message has its first error.
    """
    first = ""
    tried = tried or list(layouts(slots, text)) or list(layouts(slots, ""))
    for layout in tried:
        binding = Binding(tuple(slots), layout)
        for domains in _domains(binding):
            lab = Lab(loss, binding, {**SIZES, **limits}, binding.parameters, domains)
            try:
                if _is_finite(lab):
                    return lab
                first = first or "the value is no finite number"
            except LossFailed as error:
                first = first or str(error)
    numbers = [slot for slot in slots if slot.role == "parameter" and not slot.given and not slot.tensor]
    if numbers and re.search(r"must be Tensor, not (int|float)|'(int|float)' object has no attribute", first):
        tensors = [replace(slot, tensor=True) if slot in numbers else slot for slot in slots]
        return bind(loss, tensors, text, limits, tried)
    named = ", ".join(f"{slot.name} ({ROLES[slot.role]})" for slot in slots)
    raise BadInput(f"the loss could not be called with {named}: {first}; name roles with --arguments NAME=ROLE")


def _domains(binding: Binding) -> Iterator[dict[str, str]]:
    """Role → domain of its draws: first domains that most likelihoods take, then counts and binary data."""
    base = {
        "recon": "unit",
        "x": "unit",
        "scale": "positive",
        "prior_scale": "positive",
        "recon_scale": "positive",
        "dispersion": "positive",
        "mask": "bool",
    }
    if binding.layout.matrix:
        yield {**base, "scale": binding.layout.matrix}
        return
    if binding.layout.classes:
        yield {**base, "x": "class"}
        return
    counts = "dispersion" in binding.roles
    data = ("count", "unit") if counts else ("unit", "count", "binary")
    for x, mask in product(data, ("bool", "real") if "mask" in binding.roles else ("bool",)):
        recon = "positive" if x == "count" else "unit"
        yield {**base, "x": x, "mask": mask, "recon": recon}


def _is_finite(lab: Lab) -> bool:
    """Whether the loss is finite at two sizes, and a number or a vector [N] if the layout has draws.

    Raises:
        LossFailed: the loss raised, or returned no number.
    """
    layout, sizes = lab.binding.layout, lab.sizes
    other = lab.at({axis: sizes[axis] + 6 for axis in layout.named() if sizes[axis] == SIZES[axis]})
    for one in (lab, other):
        terms = one.terms(one.draw(0))
        batch = one.sizes["N"] if layout.batch else 1
        if not all(np.all(np.isfinite(value)) for value in terms.values()):
            return False
        if any(value.ndim > 1 or value.size not in (1, batch) for value in terms.values()) and layout.samples:
            return False
        if any(value.ndim > 1 for value in terms.values()) and "recon_scale" in lab.binding.roles:
            return False  # a sum over one number for all
    return True
