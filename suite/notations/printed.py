"""Checks of the printed fields: TeX is one symbol, and a place exists in the source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .notation import Notation
from .provenance import COUNTED, UNPRINTED

_NUMBER = re.compile(r"(?:(\d+)\.)?(\d+)")
_OPEN, _CLOSED = "([{", ")]}"
#: What needs an argument to mean anything; any of it may stand below or above.
_OPERATOR = re.compile(
    r"(?:\\operatorname\{(?:logit|diag|tr|Tr|sd|var|Var|KL|det)\}|\\mathbb\{E\}|\\mathrm\{KL\}|E(?=_\{[^{}]*\\sim)"
    r"|\\(?:log|ln|exp|det|sum|prod|int|nabla|max|min|arg))(?:[_^](?:\{(?:[^{}]|\{[^{}]*\})*\}|\\?[A-Za-z0-9]+))*"
)


def falsehoods(notation: Notation) -> Iterator[tuple[str, str, str]]:
    """TeX that is no symbol, places that the source has not, and entries that contradict others.

    Yields:
        The field, what was expected and what was found.
    """
    texts = [(f"symbols.'{symbol.code}'", symbol.tex) for symbol in notation.symbols]
    for place, tex in (*texts, *((f"letters.'{tex}'", tex) for tex in notation.letters)):
        if (wrong := no_symbol(tex)) is not None:
            yield f"{place}.tex", "a symbol", f"{tex!r}, {wrong}"
    counted = sorted({s.tex for s in notation.symbols if s.role == "data_count"} | notation.letters.keys())
    for objective, place in ((notation.objective, "objective"), *((o, o.method) for o in notation.other_objectives)):
        if (letter := objective.count) and letter not in counted:
            yield f"{place}.count", f"the TeX of a number of data, or of [letters] ({', '.join(counted)})", repr(letter)
    for symbol in notation.symbols:
        place = f"symbols.'{symbol.code}'"
        if symbol.equation == UNPRINTED and (said := symbol.known or symbol.eq_known):
            yield f"{place}.known", f"none, since eq is '{UNPRINTED}': the source prints no such thing", repr(said)
        if symbol.known == COUNTED:
            yield f"{place}.known", "another word, since numbers alone are counted out", repr(COUNTED)
        if symbol.tex in notation.letters:
            expected = f"a letter that no symbol has, since {place} has it"
            yield f"letters.'{symbol.tex}'", expected, repr(notation.letters[symbol.tex])
        if symbol.estimate and symbol.role.startswith("exact_"):
            yield f"{place}.estimate", f"none, since role '{symbol.role}' is no estimate", "true"
    has = notation.source.equations
    for place in has:
        if _range(place) is None:
            yield "source.equations", "ranges such as '2.1-2.65'", repr(place)
    for place, text in _places(notation):
        if (wrong := no_place(text, has)) is not None:
            yield place, wrong, repr(text)
    for i, misprint in enumerate(notation.misprints):
        if misprint.equation == UNPRINTED:
            yield f"misprints[{i}].eq", "where the source prints it", repr(UNPRINTED)


def _places(notation: Notation) -> Iterator[tuple[str, str]]:
    yield from ((f"symbols.'{symbol.code}'.eq", symbol.equation) for symbol in notation.symbols)
    yield from ((f"symbols.'{claim.distribution}'.covers_eq", claim.equation) for claim in notation.claims)
    yield "objective.eq", notation.objective.equation
    yield from ((f"other_objectives.'{other.method}'.eq", other.equation) for other in notation.other_objectives)
    yield from ((f"misprints[{i}].eq", misprint.equation) for i, misprint in enumerate(notation.misprints))


def no_symbol(tex: str) -> str | None:
    """Why TeX is no symbol: an equation, a negative or an operator alone; None where it is one."""
    if not tex.strip():
        return "which is empty"
    if tex.lstrip().startswith("-"):
        return "which begins with a minus: that is for `sign`"
    depth = 0
    for letter in tex.replace(r"\left.", "").replace(r"\{", "{").replace(r"\}", "}"):
        depth += (letter in _OPEN) - (letter in _CLOSED)
        if letter == "=" and depth == 0:
            return "which is an equation: what it is equal to is for `note`"
    braces = re.sub(r"\\[{}]", "", tex)
    if braces.count("{") != braces.count("}"):
        return "whose braces do not match"
    if _OPERATOR.fullmatch(tex.strip()):
        return "which is an operator without its argument"
    return None


def no_place(text: str, has: Iterable[str]) -> str | None:
    """What was expected where a text names no place of the source; None where it does.

    Args:
        text: equation numbers and places in words, separated by commas or semicolons; prose may follow a colon.
        has: the ranges of numbers that the source has.
    """
    ranges = [found for one in has if (found := _range(one)) is not None]
    for part in (part.strip() for part in re.split("[,;]", text.partition(":")[0])):
        if part == UNPRINTED:
            if text.partition(":")[0] != UNPRINTED:
                return f"'{UNPRINTED}' alone, or places"
        elif not part[:1].isdigit():
            if re.match(r"eqs?\b|equations?\b|\(|$", part, re.IGNORECASE):
                return "an equation number alone, such as '13', or a place in words"
        elif (found := _range(part)) is None:
            return "numbers such as '13' or '2.63-2.65'; a section with its word, 'section 2.1'"
        elif not any(first <= found[0] and found[1] <= last for first, last in ranges):
            return f"equation numbers within {', '.join(has) or 'none: this source numbers no equations'}"
    return None


def _range(text: str) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """First and last number, each as chapter (0 where there is none) and number."""
    ends = [_NUMBER.fullmatch(end) for end in text.split("-")]
    numbers = [(int(end[1] or 0), int(end[2])) for end in ends if end is not None]
    if len(numbers) != len(ends) or len(ends) > 2 or numbers[0][0] != numbers[-1][0] or numbers[0] > numbers[-1]:
        return None
    return numbers[0], numbers[-1]
