"""Printed names: what the letters of p_θ(x|z) say of its role, and whether TeX prints the letters of the code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...notations.letters import Letters, base, command_of, is_greek, letters_in, letters_of
from ...notations.schema import Notation
from .evidence import Evidence, Violation


def check_distributions(evidence: Evidence) -> Iterator[Violation]:
    """What stands before and behind the bar is what the role says: p(x|z) is no prior."""
    notation = evidence.notation
    for symbol in (s for s in notation.symbols if s.kind == "distribution"):
        roles = _roles(notation, letters_of(symbol.code))
        if symbol.role not in roles:
            found = f"letters of {' or '.join(roles) or 'no role'}"
            yield evidence.violation(f"symbol {symbol.code}", ("role", "code"), f"role {symbol.role}", found)


def _roles(notation: Notation, letters: Letters) -> tuple[str, ...]:
    weights = {s.code for s in notation.symbols if s.kind == "weights"}
    data = next(s.code for s in notation.symbols if s.role == "data")

    def kinds(names: tuple[str, ...]) -> str:
        return "".join(sorted({"x" if base(n) == base(data) else "z" for n in names if n not in weights}))

    patterns = {
        ("xz", ""): ("joint",),
        ("x", ""): ("marginal",),
        ("z", ""): ("prior", "approximate_posterior"),
        ("x", "z"): ("likelihood",),
        ("z", "x"): ("posterior", "approximate_posterior"),
        ("", ""): ("weight_prior", "weight_posterior"),
    }
    return patterns.get((kinds(letters.arguments), kinds(letters.given)), ())


def check_tex(evidence: Evidence) -> Iterator[Violation]:
    """Every letter of the code, Greek or single, is printed by the TeX; what is around it is prose."""
    for symbol in evidence.notation.symbols:
        own = symbol.code if symbol.kind == "distribution" else symbol.code.rpartition(".")[2]
        missing = [letter for letter in letters_in(own) if not _prints(symbol.tex, letter)]
        if missing:
            found = f"no {', '.join(missing)} in it"
            yield evidence.violation(f"symbol {symbol.code}", ("tex", "code"), f"tex {symbol.tex}", found)


def _prints(tex: str, letter: str) -> bool:
    if is_greek(letter):
        return letter in tex or re.search(rf"\\(var)?{command_of(letter)}(?![A-Za-z])", tex) is not None
    return letter in re.sub(r"\\[A-Za-z]+", " ", tex)
