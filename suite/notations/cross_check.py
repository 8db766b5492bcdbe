"""Checks across the tables of a notation.toml: names refer to symbols, and every required entry is there."""

from __future__ import annotations

from collections.abc import Iterator

from ..reference.errors import BadInput
from . import printed
from .notation import Notation

#: Likelihood → the canonical tensors that a decoder may return.
DECODER_ROLES = {
    "bernoulli": ("decoder_logits", "decoder_probability"),
    "gaussian": ("decoder_mean", "decoder_scale"),
    "gaussian-fixed": ("decoder_mean",),
}
#: Roles that every notation needs, beside the bound of its objective.
NEEDED = ("data", "noise", "posterior_mean", "latent", "log_likelihood")


def check(notation: Notation) -> None:
    """Check the tables of a notation against each other.

    Raises:
        BadInput: naming the file, the field, what was expected and what was found.
    """
    for falsehoods in (printed.falsehoods, _misprints, _returns, _decoder_roles, _lacking):
        for place, expected, found in falsehoods(notation):
            raise BadInput(f"{notation.path}: {place}: expected {expected}; found {found}")


def _misprints(notation: Notation) -> Iterator[tuple[str, str, str]]:
    """Formulas use only names that a run has: quantities, data, noise and sizes."""
    computed = _computed(notation)
    there = computed | {s.code for s in notation.symbols if s.kind in ("data", "noise", "constant")}
    for i, misprint in enumerate(notation.misprints):
        if misprint.symbol not in computed:
            yield f"misprints[{i}].symbol", _one_of(computed), f"'{misprint.symbol}'"
        for field in ("printed", "meant"):
            for unknown in sorted(getattr(misprint, field).codes - there):
                yield f"misprints[{i}].{field}", f"codes out of {', '.join(sorted(there))}", f"'{unknown}'"


def _returns(notation: Notation) -> Iterator[tuple[str, str, str]]:
    methods, words = notation.methods, notation.supports.words
    tables = {"decoder_returns": (methods.decoder_returns, words["likelihood"])}
    if methods.encoder is not None:
        tables["encoder_returns"] = (methods.encoder_returns, words["posterior"])
    computed = _computed(notation)
    for field, (returns, supported) in tables.items():
        for word in supported:
            if word not in returns:
                yield f"methods.{field}", f"an entry for the supported word '{word}'", "none"
        for word, names in returns.items():
            for name in names:
                if name not in computed:
                    yield f"methods.{field}.{word}", _one_of(computed), f"'{name}'"


def _computed(notation: Notation) -> set[str]:
    return {s.quantity for s in notation.symbols if s.quantity}


def _one_of(computed: set[str]) -> str:
    return f"a quantity of [symbols] ({', '.join(sorted(computed))})"


def _decoder_roles(notation: Notation) -> Iterator[tuple[str, str, str]]:
    for symbol in notation.symbols:
        if not symbol.quantity or not symbol.role.startswith("decoder_"):
            continue
        for likelihood in symbol.when.get("likelihood", notation.supports.words["likelihood"]):
            if symbol.role not in (roles := DECODER_ROLES[likelihood]):
                expected = f"a role out of {', '.join(roles)} for likelihood '{likelihood}'"
                yield f"symbols: quantity '{symbol.quantity}'", expected, f"'{symbol.role}'"


def _lacking(notation: Notation) -> Iterator[tuple[str, str, str]]:
    roles = {s.role for s in notation.symbols}
    bound = notation.objective.bound
    for needed in (*((role,) for role in NEEDED), (bound, f"weighted_{bound}")):
        if not roles & set(needed):
            yield "symbols", f"a symbol of role '{needed[0]}'", "none"
