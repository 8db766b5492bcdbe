"""Names: what notation.toml declares occurs in both files, and no Greek or subscripted name occurs there undeclared.

Printed names are checked too: the letters of p_θ(x|z) must fit its role, and TeX must print the letters of the code.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache

from ...notations.letters import Letters, base, is_greek, letters_in, letters_of, pattern_of
from ...notations.notation import Notation
from .evidence import Evidence, Violation

SUBSCRIPTED = re.compile(r"[A-Za-z]_\w+")
FRAMEWORKS_OWN = ("y_pred", "y_true")
"""Names that Keras gives to parameters: they look subscripted, and no source has them."""


@cache
def identifiers(source: str) -> set[str]:
    """Every name of a file's syntax tree: variables, attributes, arguments, functions, classes, and texts of one word.

    Raises:
        SyntaxError: the file is no Python.
    """
    names: set[str] = set()
    tree = ast.parse(source)
    pieces = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in pieces:
            continue
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.keyword(arg=str(name)):
                names.add(name)
            case ast.Constant(value=str(text)) if len(text.split()) == 1:  # a key of the quantities, not a docstring
                names.add(text)
    return names


def check_names(evidence: Evidence) -> Iterator[Violation]:
    """Both files, whichever ran: `sources` has their text by framework."""
    notation = evidence.notation
    found = {framework: identifiers(text) for framework, text in evidence.sources.items()}
    for symbol in notation.symbols:
        for framework, names in found.items():
            # a set of weights may be a letter in the name of a net: EncoderNeuralNet_φ
            known = names | {part for name in names for part in name.split("_")} if symbol.covers else names
            lacking = [part for part in _parts(notation, symbol.code) if part not in known]
            if symbol.code in known or not lacking:
                continue
            found_none = f"no identifier and no key '{lacking[0]}' in {framework}_vae.py (its docstrings do not count)"
            yield evidence.violation(f"symbol {symbol.code}", "code", f"'{symbol.code}'", found_none)
    elsewhere = declared(replace(notation, names={}))
    for name in notation.names:
        if name in elsewhere:
            where = "it in another table too: without this entry nothing changes"
            yield evidence.violation("names", "name", f"'{name}'", where)
        if not any(name in names for names in found.values()):
            yield evidence.violation("names", "name", f"'{name}'", "it in neither file")
    known = declared(notation)
    for framework, names in found.items():
        for name in sorted(names):
            if published(name) and name not in known:
                there = f"'{name}' in {framework}_vae.py, which is no symbol"
                yield evidence.violation("names", "name", "every Greek or subscripted name", there)


def published(name: str) -> bool:
    """Whether a name looks like a symbol: Greek, or one letter with a subscript."""
    return (
        name.isidentifier()
        and name not in FRAMEWORKS_OWN
        and (not name.isascii() or SUBSCRIPTED.fullmatch(name) is not None)
    )


def declared(notation: Notation) -> set[str]:
    """All names that a notation.toml accounts for."""
    names = {part for symbol in notation.symbols for part in (symbol.code, *symbol.code.split("."))}
    names |= {str(symbol.quantity) for symbol in notation.symbols}
    for weight in notation.weights:
        for path in (weight.published, *(place.path for place in weight.places.values())):
            names |= set(path.split("."))
    methods = vars(notation.methods).values()
    return names | set(notation.arguments) | {m for m in methods if isinstance(m, str)} | set(notation.names)


def _parts(notation: Notation, code: str) -> list[str]:
    """What of a code name has to occur: a distribution is printed, not computed, but its variables are names too."""
    if "(" not in code:
        return code.split(".")
    letters = letters_of(code)
    known: Mapping[str, str] = {s.code: s.code for s in notation.symbols if s.kind != "distribution"}
    return [known[name] for name in (*letters.arguments, *letters.given) if name in known]


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
        return letter in tex or re.search(pattern_of(letter), tex) is not None
    return letter in re.sub(r"\\[A-Za-z]+", " ", tex)
