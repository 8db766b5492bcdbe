"""A row per source: the meaning of θ, the letters of its networks, its σ, its objective, how its facts are known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .glossary import glossary, is_named, side_by_side, unlogged
from .notation import Notation, Symbol
from .plain_tex import plain
from .provenance import UNPRINTED, shares

NETS = {"encoder": ("encoder.*", "posterior.*"), "decoder": ("decoder.*",), "prior": ("prior.*",)}
"""Part of the model → the patterns of weights that are its own."""
COLUMNS = ("notation", "θ names", "encoder", "decoder", "scale of q(z|x)", "objective", "known")
REDUCED = {"sum": "sum", "mean": "mean", "N/M": "N/M · sum"}
"""The reduction of an objective over the data, in words."""


def overview(notations: Iterable[Notation]) -> list[dict[str, str]]:
    """One row per source, by the names of `COLUMNS`; "-" where it prints nothing."""
    return [dict(zip(COLUMNS, _row(notation), strict=True)) for notation in notations]


def comparison(one: Notation, other: Notation, roles: Iterable[str]) -> list[tuple[str, ...]]:
    """The symbols of two sources for some roles: role, symbols of the first, symbols of the second."""
    found = {role: sides for role, *sides in side_by_side(glossary((one, other), ()), one.id, other.id)}
    return [(role, *(_joined(entry.short() for entry in side) for side in found[role])) for role in roles]


def weight_sets(notation: Notation) -> dict[str, list[Symbol]]:
    """Part of the model → the symbols that the source has for its weights, or for these with others."""
    sets = [s for s in notation.symbols if s.kind == "weights"]
    return {net: [s for s in sets if set(patterns) & set(s.covers)] for net, patterns in NETS.items()}


def people(authors: Sequence[str]) -> str:
    """One name, two names, or the first of more with `et al.`"""
    names = [name.split()[-1] for name in authors]
    return f"{names[0]} et al." if len(names) > 2 else " & ".join(names)


def _row(notation: Notation) -> tuple[str, ...]:
    sets = [s for s in notation.symbols if s.kind == "weights" and s.covers]
    theta = [s for s in sets if is_named(s, "θ")]
    objective = notation.objective
    return (
        notation.id,
        _joined(f"{_part(s)} ({plain(s.tex)})" if plain(s.tex) != "θ" else _part(s) for s in theta),
        *(_joined(plain(s.tex) for s in weight_sets(notation)[net]) for net in ("encoder", "decoder")),
        _joined(_scale(s) for s in notation.symbols if _is_scale(s)),
        f"{REDUCED[objective.data]} over the data, {objective.sense}",
        shares(notation),
    )


def _is_scale(symbol: Symbol) -> bool:
    return symbol.role == "posterior_scale" and symbol.equation != UNPRINTED


def _part(symbol: Symbol) -> str:
    """The nets whose weights a set holds: `decoder`, `decoder and prior`."""
    nets = dict.fromkeys(pattern.partition(".")[0] for pattern in symbol.covers)
    return " and ".join(nets)


def _scale(symbol: Symbol) -> str:
    """The scale kind of a symbol; for `log σ` that of σ."""
    inner, kind = unlogged(symbol)
    return f"{inner}: {kind.replace('_', ' ').replace('sd', 'standard deviation')}"


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(texts)) or "-"
