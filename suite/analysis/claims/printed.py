"""Printed names: what the letters of p_θ(x|z) say of its role, and whether TeX prints the letters of the code."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from ...definition.notation import Notation
from .evidence import Evidence, Violation


@dataclass(frozen=True)
class Letters:
    """A printed distribution in parts: `p_θ(x|z)` has subscripts (θ) and any after `;`, arguments (x), given (z)."""

    name: str
    subscripts: tuple[str, ...]
    arguments: tuple[str, ...]
    given: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.subscripts, *self.arguments, *self.given)


def letters_of(code: str) -> Letters:
    """The parts of a distribution's code name."""
    head, _, inner = code.partition("(")
    name, _, subscripts = head.partition("_")
    before, _, after = inner.removesuffix(")").partition("|")
    parameters: list[str] = []
    sides = []
    for side in (before, after):
        variables, _, own = side.partition(";")
        parameters += _split(own)
        sides.append(_split(variables))
    return Letters(name, (*re.findall(r"[^\W_]+", subscripts), *parameters), tuple(sides[0]), tuple(sides[1]))


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


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


def base(name: str) -> str:
    """The letter of a name, without subscripts, superscripts and numbers."""
    return re.split(r"[_^0-9(⁰¹²³⁴-⁹ᴸ]", name)[0]


def check_tex(evidence: Evidence) -> Iterator[Violation]:
    """Every letter of the code, Greek or single, is printed by the TeX; what is around it is prose."""
    for symbol in evidence.notation.symbols:
        own = symbol.code if symbol.kind == "distribution" else symbol.code.rpartition(".")[2]
        missing = [letter for letter in letters_in(own) if not _prints(symbol.tex, letter)]
        if missing:
            found = f"no {', '.join(missing)} in it"
            yield evidence.violation(f"symbol {symbol.code}", ("tex", "code"), f"tex {symbol.tex}", found)


def letters_in(code: str) -> list[str]:
    """Greek letters, and single Latin ones that stand alone, of a code name."""
    code = code.replace("D_KL", "KL")  # not every source prints the D
    greek = [letter for letter in code if is_greek(letter)]
    return list(dict.fromkeys([*greek, *re.findall(r"(?<![^\W_])[A-Za-z](?=[^A-Za-z]|$)", code)]))


def is_greek(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith("GREEK")


def command_of(letter: str) -> str:
    """The TeX command of a Greek letter, without its backslash."""
    name = unicodedata.name(letter).split()
    command = name[-1].lower().replace("lamda", "lambda")
    return command.capitalize() if "CAPITAL" in name else command


def _prints(tex: str, letter: str) -> bool:
    if is_greek(letter):
        return letter in tex or re.search(rf"\\(var)?{command_of(letter)}(?![A-Za-z])", tex) is not None
    return letter in re.sub(r"\\[A-Za-z]+", " ", tex)
