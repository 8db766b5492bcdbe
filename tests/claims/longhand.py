"""A notation as the document of a notation.toml in which nothing is left out: what errors are planted in."""

from collections.abc import Mapping
from typing import Any

from elbostone.notations.notation import Misprint, Notation, Objective, Symbol, When

Document = dict[str, Any]


def longhand(notation: Notation) -> Document:
    """The document with every default and every tensor spelled out; reading it gives the same notation.

    Its symbols and weights are lists of tables by key, also where there is one.
    """
    source, methods, objective = notation.source, notation.methods, notation.objective
    document: Document = {
        "source": {name: as_toml(v) for name in source.__struct_fields__ if (v := getattr(source, name)) is not None},
        "model": {
            "class": notation.model_class,
            "arguments": dict(notation.arguments),
            "source": {name: as_toml(value) for name, value in notation.source_configuration.items()},
        },
        "supports": {name: list(words) for name, words in notation.supports.words.items()},
        "methods": {name: _method(value) for name, value in vars(methods).items() if value},
        "layout": {name: " ".join(axes) for name, axes in notation.layout.items()},
        "objective": _objective(objective),
        "other_objectives": {
            other.method: {**_objective(other), "when": _words(other.when)} for other in notation.other_objectives
        },
        "symbols": {},
        "weights": {},
        "names": dict(notation.names),
        "letters": dict(notation.letters),
        "misprints": [_misprint(misprint) for misprint in notation.misprints],
    }
    for name in ("depth", "variances"):
        if (value := getattr(notation.supports, name)) is not None:
            document["supports"][name] = as_toml(value)
    claims = {claim.distribution: claim for claim in notation.claims}
    for symbol in notation.symbols:
        entry = _symbol(symbol)
        if symbol.code in claims:
            claim = claims[symbol.code]
            entry |= {"covers": list(claim.weights), "covers_eq": claim.equation}
        document["symbols"].setdefault(symbol.code, []).append(entry)
    for row in notation.weights:
        entry = {
            "published": row.published,
            **{framework: {"path": place.path, "axes": place.axes} for framework, place in row.places.items()},
            "scale": row.scale,
            "flip": list(row.flip),
            "when": _words(row.when),
        }
        document["weights"].setdefault(row.canonical, []).append(entry)
    return document


def _method(value: Any) -> Any:
    """A method's name, or what it returns: one list where that is the same under all words."""
    same = isinstance(value, Mapping) and len(value) > 1 and len(set(value.values())) == 1
    return as_toml(next(iter(value.values())) if same else value)


def _objective(objective: Objective) -> dict[str, Any]:
    entry = {name: getattr(objective, name) for name in ("code", "bound", "sense", "data", "latents", "pixels", "beta")}
    entry |= {"scale": objective.scale} if objective.scale else {}
    entry |= {name: value for name in ("where", "count") if (value := getattr(objective, name))}
    entry |= {"constants_dropped": [str(c) for c in objective.dropped], "eq": objective.equation}
    return {**entry, **_known(objective)}


def _misprint(misprint: Misprint) -> dict[str, Any]:
    entry = {"eq": misprint.equation, "symbol": misprint.symbol, "tex": misprint.tex, "note": misprint.note}
    entry |= {"printed": str(misprint.printed), "meant": str(misprint.meant), "when": _words(misprint.when)}
    return {**entry, **_known(misprint)}


def _known(entry: Symbol | Objective | Misprint) -> dict[str, Any]:
    return {name: value for name in ("known", "eq_known") if (value := getattr(entry, name))}


def _symbol(symbol: Symbol) -> dict[str, Any]:
    entry: dict[str, Any] = {"role": symbol.role, "tex": symbol.tex, "eq": symbol.equation}
    entry |= {"axes": " ".join(symbol.axes), "sign": symbol.sign, "when": _words(symbol.when), "note": symbol.note}
    entry |= {"scale": symbol.scale} if symbol.scale else {}
    entry |= {"estimate": True} if symbol.estimate else {}
    entry |= _known(symbol)
    entry |= {"covers": list(symbol.covers)} if symbol.covers else {}
    entry |= {"constants_dropped": [str(constant) for constant in symbol.dropped]} if symbol.dropped else {}
    return entry


def _words(when: When) -> str:
    return " ".join(word for words in when.values() for word in words)


def as_toml(value: Any) -> Any:
    """Tuples as lists, in tables too."""
    if isinstance(value, dict):
        return {name: as_toml(entry) for name, entry in value.items()}
    return [as_toml(entry) for entry in value] if isinstance(value, tuple | list) else value
