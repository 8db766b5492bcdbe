"""The glossary: the symbols that each source prints for each role, and the backends that have executed each entry."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .letters import base, is_greek, pattern_of
from .notation import Notation, Symbol
from .plain_tex import plain
from .provenance import UNPRINTED, eq_known, how, known
from .roles import ROLES

_STYLE = re.compile(
    r"\\(mathbf|boldsymbol|bm|mathrm|mathcal|mathtt|mathsf|text|tilde|widetilde|hat|operatorname|log|ln)(?![a-z])"
)


@dataclass(frozen=True)
class Entry:
    """One symbol of one source.

    Attributes:
        notation, symbol: whose, and which.
        verified: backends on which every field of its entry was executed and holds.
        refuted: backends on which a field does not hold.
    """

    notation: Notation
    symbol: Symbol
    verified: tuple[str, ...]
    refuted: tuple[str, ...]

    def short(self) -> str:
        """The symbol as printed and in code, its kind of scale or weights, sign and place, and how these are known."""
        symbol, printed = self.symbol, plain(self.symbol.tex)
        named = printed if symbol.code == printed else f"{printed}, {symbol.code} in code"
        kinds = [symbol.scale or ", ".join(symbol.covers), "negative" if symbol.sign < 0 else ""]
        said = ", ".join(kind for kind in kinds if kind)
        return named + (f" ({said})" if said else "") + f" [{self.place}]"

    @property
    def place(self) -> str:
        """Where it is printed, and how that is known."""
        return self.how if self.known is None else f"{self.symbol.equation}; {self.how}"

    @property
    def known(self) -> str | None:
        """How the printed symbol is known; None where the source does not print it."""
        return None if self.symbol.equation == UNPRINTED else known(self.notation, self.symbol)

    @property
    def eq_known(self) -> str | None:
        """How the place is known; None where the source does not print the symbol."""
        return None if self.symbol.equation == UNPRINTED else eq_known(self.notation, self.symbol)

    @property
    def how(self) -> str:
        """Both in few words."""
        return how(self.notation, self.symbol)

    def as_json(self) -> dict[str, Any]:
        """The entry as plain values."""
        symbol = self.symbol
        return {
            "role": symbol.role,
            "meaning": ROLES[symbol.role].meaning,
            "notation": self.notation.id,
            "tex": symbol.tex,
            "code": symbol.code,
            "equation": symbol.equation,
            "kind": symbol.kind,
            "net": symbol.net,
            "scale": symbol.scale,
            "axes": list(symbol.axes),
            "sign": symbol.sign,
            "covers": list(symbol.covers),
            "when": {condition: list(words) for condition, words in symbol.when.items()},
            "provenance": self.known,
            "eq_provenance": self.eq_known,
            "note": symbol.note,
            "verified": list(self.verified),
            "refuted": list(self.refuted),
        }


def glossary(notations: Iterable[Notation], claims: Sequence[Mapping[str, Any]]) -> list[Entry]:
    """Every symbol in the order of the roles, then of the notations.

    Args:
        notations: the notations whose symbols are listed.
        claims: the rows of claims.csv: where a symbol's row is `equal`, that backend has executed it.
    """
    places = list(ROLES)
    entries = [_entry(notation, symbol, claims) for notation in notations for symbol in notation.symbols]
    return sorted(entries, key=lambda entry: places.index(entry.symbol.role))


def _entry(notation: Notation, symbol: Symbol, claims: Sequence[Mapping[str, Any]]) -> Entry:
    names = (f"symbol {symbol.code}", f"claims {symbol.code}")
    verdicts: dict[str, set[str]] = {}
    for row in claims:
        if row["notation"] == notation.id and row["symbol"] in names:
            verdicts.setdefault(row["backend"], set()).add(row["verdict"])
    verified = tuple(backend for backend, found in verdicts.items() if found == {"equal"})
    return Entry(notation, symbol, verified, tuple(b for b in verdicts if b not in verified))


def of_letter(entries: Iterable[Entry], letter: str) -> Iterator[Entry]:
    """The symbols that a source prints with this letter as their own: not in a subscript, nor as an argument.

    The letter is as it is printed (σ), as TeX (\\sigma), by its name (sigma) or a name in code (logvar).
    """
    spellings = {plain(letter), *filter(is_greek, [plain(f"\\{letter}")])} - {""}
    for entry in entries:
        if entry.symbol.kind != "distribution" and any(is_named(entry.symbol, each) for each in spellings):
            yield entry


def is_named(symbol: Symbol, letter: str) -> bool:
    """Whether the letter is the symbol's own, as code or as TeX."""
    own = symbol.code.rpartition(".")[2]
    if letter in (symbol.code, own, base(own), base(own.removeprefix("log_").removeprefix("ln_"))):
        return True
    tex = re.sub(r"[{}\s]|\\,", "", _STYLE.sub("", symbol.tex))
    return re.match(pattern_of(letter), tex) is not None


def unlogged(symbol: Symbol) -> tuple[str, str]:
    """The symbol and kind of a scale; for a printed logarithm those of its argument."""
    name, kind = plain(symbol.tex), str(symbol.scale)
    inner = re.sub(r"^(log|ln) ", "", name)
    return inner, kind.removeprefix("log_") if inner != name else kind


def scale_words(symbol: Symbol) -> str | None:
    """The kind of a scale; for a printed logarithm also the kind of its argument. None for another symbol."""
    if symbol.role == "decoder_variance":
        return "variance"
    if symbol.scale is None:
        return None
    inner, kind = unlogged(symbol)
    return symbol.scale if kind == symbol.scale else f"{symbol.scale}: {inner} is the {kind}"


def side_by_side(entries: Sequence[Entry], one: str, other: str) -> list[tuple[str, list[Entry], list[Entry]]]:
    """By role, the entries of two notations; roles that neither has are left out."""
    found = []
    for role in ROLES:
        left, right = ([e for e in entries if e.symbol.role == role and e.notation.id == i] for i in (one, other))
        if left or right:
            found.append((role, left, right))
    return found
