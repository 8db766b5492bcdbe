"""Fifteen equations that every VAE source writes, in any notation: trees that print as TeX and compute both sides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..notation import Notation
from ..provenance import UNPRINTED
from .expressions import Expression
from .lexicon import Lexicon, own_words
from .templates import TEMPLATES, Template


@dataclass(frozen=True)
class Equation:
    """One equation in one notation.

    Attributes:
        name: the same in all notations.
        sides: from left to right.
        relations: between each side and the next: `EQUAL`, or `NEARLY` of what holds in expectation over draws alone.
        words: condition → the word of a model for which it holds.
        narrowed: the conditions for which that is not the source's own word.
        printed: the roles whose TeX is the source's.
        built: the roles for which the source has no symbol: neutral letters or forms of its letters stand for them.
        suffix: the text beside it.
    """

    name: str
    sides: tuple[Expression, ...]
    relations: tuple[str, ...]
    words: Mapping[str, str]
    narrowed: tuple[str, ...]
    printed: tuple[str, ...]
    built: tuple[str, ...]
    suffix: str = ""

    @property
    def latex(self) -> str:
        """As TeX."""
        first, *others = (side.tex for side in self.sides)
        rest = "".join(f" {relation} {side}" for relation, side in zip(self.relations, others, strict=True))
        return first + rest + self.suffix

    def as_json(self) -> dict[str, Any]:
        """The form of an equation in `symbols --equations --json`."""
        holds_for = {condition: self.words[condition] for condition in self.narrowed}
        return {
            "name": self.name,
            "latex": self.latex,
            "printed": list(self.printed),
            "built": list(self.built),
            "holds_for": holds_for,
        }


def equations(notation: Notation) -> list[Equation]:
    """All equations in a notation."""
    return [written(notation, name, template) for name, template in TEMPLATES.items()]


def written(notation: Notation, name: str, template: Template) -> Equation:
    """One equation in a notation."""
    own = own_words(notation)
    needed = dict(template.words)
    likelihoods = notation.supports.words["likelihood"]
    if needed.get("likelihood") == "gaussian" and "gaussian" not in likelihoods and "gaussian-fixed" in likelihoods:
        needed["likelihood"] = "gaussian-fixed"
    words = own | needed
    lexicon = Lexicon(notation, words, template.of_datum)
    said = template.write(lexicon)
    if "chain" in notation.supports.words["latents"]:
        needed["latents"] = words["latents"]
    narrowed = tuple(c for c, word in needed.items() if (word,) != notation.supports.words[c])
    own_roles = {symbol.role for symbol in notation.symbols if symbol.equation != UNPRINTED}
    printed = lexicon.printed & own_roles
    built = (lexicon.built | lexicon.printed) - printed
    roles = tuple(sorted(printed)), tuple(sorted(built))
    return Equation(name, said.sides, said.relations, words, narrowed, *roles, said.suffix)
