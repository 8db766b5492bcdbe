"""The letters of printed and code names: what `p_θ(x|z)` consists of, Greek letters and their TeX commands."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class Letters:
    """A printed distribution in parts: `p_θ(x|z)` has subscripts (θ) and any after `;`, arguments (x), given (z)."""

    subscripts: tuple[str, ...]
    arguments: tuple[str, ...]
    given: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.subscripts, *self.arguments, *self.given)


def letters_of(code: str) -> Letters:
    """The parts of a distribution's code name."""
    head, _, inner = code.partition("(")
    _, _, subscripts = head.partition("_")
    before, _, after = inner.removesuffix(")").partition("|")
    parameters: list[str] = []
    sides = []
    for side in (before, after):
        variables, _, own = side.partition(";")
        parameters += _split(own)
        sides.append(_split(variables))
    return Letters((*re.findall(r"[^\W_]+", subscripts), *parameters), tuple(sides[0]), tuple(sides[1]))


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def base(name: str) -> str:
    """The letter of a name, without subscripts, superscripts and numbers."""
    return re.split(r"[_^0-9(⁰¹²³⁴-⁹ᴸ]", name)[0]


def letters_in(code: str) -> list[str]:
    """Greek letters, and single Latin ones that stand alone, of a code name."""
    code = code.replace("D_KL", "KL")  # not every source prints the D
    greek = [letter for letter in code if is_greek(letter)]
    return list(dict.fromkeys([*greek, *re.findall(r"(?<![^\W_])[A-Za-z](?=[^A-Za-z]|$)", code)]))


def is_greek(letter: str) -> bool:
    return len(letter) == 1 and unicodedata.name(letter, "").startswith("GREEK")


def pattern_of(letter: str) -> str:
    """A regular expression of a letter in TeX: of a Greek letter its command, also in its variant form."""
    if not is_greek(letter):
        return rf"{re.escape(letter)}(?![A-Za-z])"
    name = unicodedata.name(letter).split()
    command = name[-1].lower().replace("lamda", "lambda")
    return rf"\\(?:var)?{command.capitalize() if 'CAPITAL' in name else command}(?![A-Za-z])"
