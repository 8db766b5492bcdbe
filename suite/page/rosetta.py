"""The section Rosetta: equations, source files and symbols of every notation, with the roles of the symbols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from ..notations.equations import equations
from ..notations.equations.marked import marked_latex, marked_symbol
from ..notations.glossary import Entry, glossary, unlogged
from ..notations.notation import Notation, Symbol
from ..notations.plain_tex import plain
from ..notations.roles import ROLES
from ..notations.schema import FRAMEWORKS
from ..notations.standalone import standalone
from .mathml import mathml
from .sources import code_roles, highlighted


@dataclass(frozen=True)
class Formula:
    """An equation in one notation.

    Attributes:
        math: the equation as MathML.
        latex: the equation as TeX.
        built: the meanings for which the source has no symbol.
    """

    math: Markup
    latex: str
    built: tuple[str, ...]


@dataclass(frozen=True)
class Meaning:
    """A symbol of a source, as the glossary shows it.

    Attributes:
        entry: the entry of the glossary.
        math: the symbol as MathML.
        says: its meaning, its scale kind or the weights that it covers, and its sign.
        letters: the text that a search compares.
        verified: the number of cells that have verified the entry.
    """

    entry: Entry
    math: Markup
    says: str
    letters: str
    verified: int


def formulas(notations: Sequence[Notation]) -> dict[str, dict[str, Formula]]:
    """Equation → notation → its formula there."""
    found: dict[str, dict[str, Formula]] = {}
    for notation in notations:
        for equation in equations(notation):
            built = tuple(ROLES[role].meaning for role in equation.built)
            formula = Formula(_math(marked_latex(notation, equation), equation.latex), equation.latex, built)
            found.setdefault(equation.name, {})[notation.id] = formula
    return found


def _math(marked: str, tex: str) -> Markup:
    """A formula as MathML; as TeX where a command of it cannot be typeset."""
    try:
        return Markup(mathml(marked))
    except ValueError:
        return Markup("<code>{}</code>").format(tex)


def meanings(notations: Sequence[Notation], claims: Sequence[Mapping[str, Any]]) -> dict[str, list[Meaning]]:
    """Notation → its symbols in the order of the roles."""
    found: dict[str, list[Meaning]] = {notation.id: [] for notation in notations}
    for entry in glossary(notations, claims):
        found[entry.notation.id].append(_meaning(entry))
    return found


def _meaning(entry: Entry) -> Meaning:
    symbol = entry.symbol
    said = [ROLES[symbol.role].meaning]
    said += [_scale(symbol)] if symbol.scale else []
    said += [f"weights {', '.join(symbol.covers)}"] if symbol.covers else []
    said += ["its negative"] if symbol.sign < 0 else []
    math = _math(marked_symbol(symbol.role, symbol.tex), symbol.tex)
    letters = f"{plain(symbol.tex)} {symbol.code}"
    return Meaning(entry, math, ", ".join(said), letters, len(entry.verified))


def _scale(symbol: Symbol) -> str:
    """The kind of a scale; for a printed logarithm also its argument, whose letter a reader looks for."""
    inner, kind = unlogged(symbol)
    said = f"a {_kind(str(symbol.scale))}"
    return said if kind == symbol.scale else f"{said}: {inner} is the {_kind(kind)}"


def _kind(scale: str) -> str:
    return scale.replace("_", " ").replace("sd", "standard deviation")


def files(notation: Notation) -> dict[str, Markup]:
    """Framework → the implementation's file, highlighted."""
    roles = code_roles(notation)
    paths = {framework: notation.path.with_name(f"{framework}_vae.py") for framework in FRAMEWORKS}
    return {name: Markup(highlighted(path.read_text(encoding="utf-8"), roles)) for name, path in paths.items()}


def copies(notations: Sequence[Notation]) -> dict[str, str]:
    """`notation framework` → the standalone file."""
    return {f"{n.id} {framework}": standalone(n, framework) for n in notations for framework in FRAMEWORKS}
