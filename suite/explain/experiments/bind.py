"""Experiment 1: which argument has which role, and with which axes can the loss be called?"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from ...reference.errors import BadInput
from ..binding import DENSITIES, KEY, LATENT, Binding, Layout, Slot
from ..glossary import ROLES, documented_shapes, is_key, is_time, kind_of, role_of
from ..lab import Called, Lab, LossFailed
from .settled import of_each_draw, settled_densities, weights_of_terms

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

_TRIED_DATA = (("D",), ("C", "H", "W"), ("S", "A"), ())
_TRIED_LATENT = (("J",), ("c", "h", "w"), ())
_LATENT_OF_STEPS = ("S", "Z")
"""The axes of latents of which each step of a series has its own."""
_SAMPLED = (frozenset[str](), frozenset({"recon", "z"}), frozenset({"recon"}), frozenset({"z"}))
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
        lacking = settled_densities(by_role, slots, give, lacking)
    unknown = [place for place, slot in enumerate(distinct) if slot.role == "?"]
    if any(slot.role == "moments" for slot in distinct):
        lacking = [role for role in lacking if role in ("recon", "x")]
    for place, role in zip(unknown, lacking, strict=False):
        give(place, role)
    settled = [slot if slot.role != "?" else replace(slot, role="parameter", default=0.5) for slot in distinct]
    ours = [slot for slot in settled if slot.role == "parameter" and not slot.given and slot.default == 0.5]
    apart = {slot.name: 0.5 + place / 8 for place, slot in enumerate(ours)}  # two weights of 0.5 may cancel
    return [replace(slot, default=apart.get(slot.name, slot.default)) for slot in settled]


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
    yield from of_classes
    yield from (
        layout
        for layout in of_each_draw(roles)
        if all(_agrees(layout, slot, hinted[slot.name]) for slot in slots if slot.name in hinted)
    )


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


def fixed_sizes(source: str) -> Iterator[dict[str, int]]:
    """Sizes that a source may fix, such as 784 in `x.view(-1, 784)`: none, then each integer in it, then products."""
    yield {}
    numbers = sorted(_written(source))
    products = {a * b for a in numbers for b in numbers if a * b <= 20000}
    for number in [*numbers, *sorted(products - set(numbers))]:
        if 4 <= number <= 20000 and not math.isclose(number, 1):
            yield {"D": number}


def _written(source: str) -> set[int]:
    """The integers of two to five digits in a source."""
    return {int(number) for number in re.findall(r"(?<![\w.])(\d{2,5})(?![\w.])", source)}


def integers(function: Callable[..., Any], source: str) -> tuple[int, ...]:
    """The integers in the source of a function, and in the globals that it reads: each may be a size."""
    plain = inspect.unwrap(getattr(function, "__func__", function))
    names, space = getattr(getattr(plain, "__code__", None), "co_names", ()), getattr(plain, "__globals__", {})
    read = {space[name] for name in names if type(space.get(name)) is int and space[name] > 1}
    return tuple(sorted(_written(source) | read))
