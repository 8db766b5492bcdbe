"""How each fact of a source is known, and the share that was read in the source's own text.

A printed symbol is two facts: what is printed, and where. An objective, another objective and a misprint are the same
two. What the source does not print (`eq = "none"`) is no fact of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from .notation import Misprint, Notation, Objective, Symbol
from .schema import KNOWN

UNPRINTED = "none"
"""The place of a symbol that the source does not print."""
COUNTED = "by count"
"""The key of `KNOWN` that only numbers have."""

Entry = Symbol | Objective | Misprint


def known(notation: Notation, entry: Entry) -> str:
    """How the content of an entry is known, a key of `KNOWN`."""
    return entry.known or notation.source.known


def eq_known(notation: Notation, entry: Entry) -> str:
    """How the place of an entry is known, a key of `KNOWN`."""
    source = notation.source
    return entry.eq_known or source.eq_known or entry.known or source.known


def how(notation: Notation, entry: Entry) -> str:
    """Both in few words: `read`, or `close copy; equation by count`."""
    if entry.equation == UNPRINTED:
        return "not printed"
    printed, place = known(notation, entry), eq_known(notation, entry)
    return printed if printed == place else f"{printed}; equation {place}"


def facts(notation: Notation) -> Iterator[tuple[str, str]]:
    """Every fact of a source: its entry, in words, and how it is known."""
    entries: list[tuple[str, Entry]] = [(f"symbol {symbol.code}", symbol) for symbol in notation.symbols]
    entries += [("objective", notation.objective)]
    entries += [(f"other_objectives {other.method}", other) for other in notation.other_objectives]
    entries += [(f"misprint {misprint.equation}", misprint) for misprint in notation.misprints]
    for name, entry in entries:
        if entry.equation != UNPRINTED:
            yield name, known(notation, entry)
            yield f"{name}: eq", eq_known(notation, entry)


def counts(notation: Notation) -> dict[str, int]:
    """Word of `KNOWN` → how many facts are known so; words with none are left out."""
    found = Counter(how for _, how in facts(notation))
    return {word: found[word] for word in KNOWN if found[word]}


def shares(notation: Notation) -> str:
    """The same in percent, in words: `read 88 %, memory 12 %`."""
    counted = counts(notation)
    return ", ".join(f"{word} {share} %" for word, share in zip(counted, _percent(counted.values()), strict=True))


def _percent(numbers: Collection[int]) -> list[int]:
    """Shares of the whole that add up to 100: rounded up where most was cut off, and none that is there is 0."""
    exact = [100 * number / sum(numbers) for number in numbers]
    rounded = [max(1, int(share)) for share in exact]
    by_rest = sorted(range(len(exact)), key=lambda i: rounded[i] - exact[i])
    for i in by_rest[: max(0, 100 - sum(rounded))]:
        rounded[i] += 1
    largest = rounded.index(max(rounded))
    rounded[largest] -= max(0, sum(rounded) - 100)
    return rounded
