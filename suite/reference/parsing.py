"""Specifications from JSON values: what each field may hold, and which fields contradict each other."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from .errors import BadInput
from .families import BY_WORD, FAMILIES
from .families.base import Family
from .spec import Spec

Size = Annotated[int, Meta(gt=0, lt=2**31)]
Sizes = Annotated[tuple[Size, ...], Meta(min_length=1, max_length=64)]
Image = tuple[Size, Size, Size]
Positive = Annotated[float, Meta(gt=0, le=sys.float_info.max)]
#: The types of a specification's fields, but for words, each in words.
EXPECTED: dict[Any, str] = {
    Size: "a positive whole number below 2³¹",
    Sizes: "a list of positive whole numbers",
    Image: "[channel, height, width], positive whole numbers",
    Positive: "a positive number",
}

#: What a notation can ask about a specification: its closed words, and which of its numbers are set.
CONDITIONS = {condition: tuple(words) for condition, words in BY_WORD.items()} | {"beta": ("one", "other")}
LIKELIHOODS, POSTERIORS = CONDITIONS["likelihood"], CONDITIONS["posterior"]
#: Field of a specification → its closed list of words.
CHOICES = {name: words for name, words in CONDITIONS.items() if name not in ("latents", "beta")}
#: Field of a specification → its type, but for those of `CHOICES`.
NUMBERS: dict[str, Any] = {
    "hidden": Sizes,
    "data_dim": Size,
    "latent_dim": Size,
    "variance": Positive,
    "image_shape": Image,
    "channels": Sizes,
    "beta": Positive,
    "components": Size,
    "latents": Sizes,
    "chain": Sizes,
    "data_count": Size,
}


def parse_spec(document: Mapping[str, Any], where: str) -> Spec:
    """Read a specification from JSON values.

    Raises:
        BadInput: naming `where`, the field, what was expected and what was found.
    """
    known = {f.name: f for f in fields(Spec)}
    for name in document:
        if name not in known:
            raise BadInput(f"{where}: spec has an unknown field '{name}'; expected one of {', '.join(known)}")
    values: dict[str, Any] = {}
    for name in known:
        if name not in document:
            if known[name].default is not MISSING:
                continue
            raise BadInput(f"{where}: spec lacks the field '{name}'")
        values[name] = parse_field(name, document[name], where)
    spec = Spec(**values)
    for name, message in _contradictions(spec):
        raise BadInput(f"{where}: spec.{name}: {message}")
    return spec


def parse_field(name: str, value: Any, where: str) -> Any:
    """One field of a specification. Raises BadInput naming `where`, the field, what was expected and what was found."""
    if name in CHOICES:
        if value not in CHOICES[name]:
            raise BadInput(f"{where}: spec.{name}: expected one of {', '.join(CHOICES[name])}; found {value!r}")
        return value
    try:
        return msgspec.convert(value, NUMBERS[name])
    except msgspec.ValidationError:
        expected = EXPECTED[NUMBERS[name]]
        raise BadInput(f"{where}: spec.{name}: expected {expected}; found {value!r}") from None


def _contradictions(spec: Spec) -> Iterator[tuple[str, str]]:
    """Each field that contradicts another, and what was expected and found of it."""
    in_force = spec.families._asdict()
    for name, default in ((f.name, f.default) for f in fields(Spec) if f.default is not MISSING):
        users = [family for family in FAMILIES if name in family.fields]
        needed, found = any(family in spec.families for family in users), getattr(spec, name)
        if users and needed != (found != default):
            named = " with ".join(_named(in_force[c]) for c in dict.fromkeys(family.condition for family in users))
            yield name, f"{named} {'needs' if needed else 'takes no'} {name}; found {_shown(found)}"
    for family, condition, words in spec.not_combined():
        name = condition if condition in CHOICES else in_force[condition].fields[0]
        expected = f"expected {' or '.join(words)} with {_named(family)}"
        yield name, f"{expected}; found {_shown(getattr(spec, name))}"
    for family in spec.families:
        yield from family.contradictions(spec)


def _named(family: Family) -> str:
    """A family as a specification says it: by a word, or by a field that is set."""
    if family.condition in CHOICES or not family.fields:
        return f"{family.condition} '{family.word}'"
    return f"spec.{family.fields[0]}"


def _shown(value: Any) -> str:
    """A field's value as JSON has it."""
    return repr(list(value) if isinstance(value, tuple) else value)
