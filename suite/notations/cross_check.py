"""Checks across the tables of a notation.toml: names refer to symbols, and every required entry is there."""

from __future__ import annotations

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
    printed.check(notation)
    _check_misprints(notation)
    _check_returns(notation)
    _check_decoder_roles(notation)
    roles = {s.role for s in notation.symbols}
    bound = notation.objective.bound
    for wanted in (*((role,) for role in NEEDED), (bound, f"weighted_{bound}")):
        if not roles & set(wanted):
            raise BadInput(f"{notation.path}: symbols: expected a symbol of role '{wanted[0]}'; found none")


def _check_misprints(notation: Notation) -> None:
    """Check that formulas use only names that a run has: quantities, data, noise and sizes."""
    computed = {s.quantity for s in notation.symbols if s.quantity}
    there = computed | {s.code for s in notation.symbols if s.kind in ("data", "noise", "constant")}
    for i, misprint in enumerate(notation.misprints):
        where = f"{notation.path}: misprints[{i}]"
        if misprint.symbol not in computed:
            choices = ", ".join(sorted(computed))
            raise BadInput(f"{where}.symbol: expected a quantity of [symbols] ({choices}); found '{misprint.symbol}'")
        for field in ("printed", "meant"):
            if unknown := sorted(getattr(misprint, field).codes - there):
                choices = ", ".join(sorted(there))
                raise BadInput(f"{where}.{field}: expected codes out of {choices}; found '{unknown[0]}'")


def _check_returns(notation: Notation) -> None:
    methods, words = notation.methods, notation.supports.words
    computed = {s.quantity for s in notation.symbols if s.quantity}
    tables = {"decoder_returns": (methods.decoder_returns, words["likelihood"])}
    if methods.encoder is not None:
        tables["encoder_returns"] = (methods.encoder_returns, words["posterior"])
    for field, (returns, supported) in tables.items():
        for word in supported:
            if word not in returns:
                raise BadInput(f"{notation.path}: methods.{field}: no entry for the supported word '{word}'")
        for word, names in returns.items():
            for name in names:
                if name not in computed:
                    raise BadInput(
                        f"{notation.path}: methods.{field}.{word}: expected quantities of [symbols] "
                        f"({', '.join(sorted(computed))}); found '{name}'"
                    )


def _check_decoder_roles(notation: Notation) -> None:
    likelihoods = notation.supports.words["likelihood"]
    for symbol in notation.symbols:
        if not symbol.quantity or not symbol.role.startswith("decoder_"):
            continue
        for likelihood in symbol.when.get("likelihood", likelihoods):
            if symbol.role not in DECODER_ROLES[likelihood]:
                raise BadInput(
                    f"{notation.path}: symbols: quantity '{symbol.quantity}': expected a role out of "
                    f"{', '.join(DECODER_ROLES[likelihood])} for likelihood '{likelihood}'; found '{symbol.role}'"
                )
