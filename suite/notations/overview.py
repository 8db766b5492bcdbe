"""Each source in one row: what θ names, the letters of its nets, its σ, its objective, how its facts are known."""

from __future__ import annotations

from collections.abc import Iterable

from .glossary import glossary, names, side_by_side
from .notation import Notation, Symbol
from .plain_tex import plain
from .provenance import UNPRINTED, shares

COLUMNS = ("notation", "θ names", "encoder", "decoder", "scale of q(z|x)", "objective", "known")
_REDUCED = {"sum": "sum", "mean": "mean", "N/M": "N/M · sum"}


def overview(notations: Iterable[Notation]) -> list[dict[str, str]]:
    """One row per source, by the names of `COLUMNS`; "-" where it prints nothing."""
    return [dict(zip(COLUMNS, _row(notation), strict=True)) for notation in notations]


def comparison(one: Notation, other: Notation, roles: Iterable[str]) -> list[tuple[str, ...]]:
    """What two sources print for some roles: role, the one's symbols, the other's."""
    found = {role: sides for role, *sides in side_by_side(glossary((one, other), ()), one.id, other.id)}
    return [(role, *(_joined(entry.short() for entry in side) for side in found[role])) for role in roles]


def _row(notation: Notation) -> tuple[str, ...]:
    sets = [s for s in notation.symbols if s.kind == "weights" and s.covers]
    theta = [s for s in sets if names(s, "θ")]
    objective = notation.objective
    return (
        notation.id,
        _joined(f"{_part(s)} ({plain(s.tex)})" if plain(s.tex) != "θ" else _part(s) for s in theta),
        _joined(plain(s.tex) for s in sets if set(s.covers) <= {"encoder.*", "posterior.*"}),
        _joined(plain(s.tex) for s in sets if "decoder.*" in s.covers and "encoder.*" not in s.covers),
        _joined(f"{plain(s.tex)}: {_kind(s)}" for s in notation.symbols if _is_scale(s)),
        f"{_REDUCED[objective.data]} over the data, {objective.sense}",
        shares(notation),
    )


def _is_scale(symbol: Symbol) -> bool:
    return symbol.role == "posterior_scale" and symbol.equation != UNPRINTED


def _part(symbol: Symbol) -> str:
    """The nets whose weights a set holds: `decoder`, `decoder and prior`."""
    nets = dict.fromkeys(pattern.partition(".")[0] for pattern in symbol.covers)
    return " and ".join(nets)


def _kind(symbol: Symbol) -> str:
    return {"sd": "standard deviation"}.get(str(symbol.scale), str(symbol.scale).replace("_", " "))


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(texts)) or "-"
