"""Read notation.toml: each table by its schema, with the values that other fields imply."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import asdict, replace

from ..reference.errors import BadInput
from ..reference.parsing import LIKELIHOODS, POSTERIORS, parse_field
from .cross_check import check
from .decode import decode, read, read_toml
from .fields import AxisNames, typewriter
from .notation import Claim, Methods, Notation, Weight
from .roles import ROLES
from .rows import WeightTable, weights
from .schema import (
    FRAMEWORKS,
    SPEC_FIELDS,
    Document,
    MethodsTable,
    Misprint,
    ModelTable,
    Objective,
    OtherObjective,
    Returns,
    Source,
    Supports,
    Symbol,
)

Kind = TypeVar("Kind", Objective, OtherObjective)


def load_notation(path: Path, notation_id: str) -> Notation:
    """Read and validate a notation.toml.

    Raises:
        BadInput: naming the file, the table, the field, what was expected and what was found.
    """
    return parse_notation(read_toml(path), path, notation_id)


def parse_notation(document: Mapping[str, Any], path: Path, notation_id: str) -> Notation:
    """The document of a notation.toml, validated. Raises BadInput as `load_notation` does."""
    top = decode(Document, document, str(path))
    model = decode(ModelTable, top.model, f"{path}: model")
    methods = _methods(decode(MethodsTable, top.methods, f"{path}: methods"), f"{path}: methods")
    symbols, claims = [], []
    for code, table, where in _entries(top.symbols, f"{path}: symbols"):
        symbol = _symbol(code, table, where)
        if "covers" in table and symbol.kind == "distribution":
            claims.append(Claim(code, symbol.covers, symbol.equation if symbol.covers_eq is None else symbol.covers_eq))
            symbol = replace(symbol, covers=(), covers_eq=None)
        symbols.append(symbol)
    others = []
    for method, table, where in _entries(top.other_objectives, f"{path}: other_objectives"):
        others.append(_objective(OtherObjective, table, symbols, method, where))
    rows: list[Weight] = []
    for canonical, table, where in _entries(top.weights, f"{path}: weights"):
        tensors, folded = weights(canonical, decode(WeightTable, table, where), model.names_from, where)
        rows += tensors
        symbols += folded
    notation = Notation(
        id=notation_id,
        path=path,
        source=decode(Source, top.source, f"{path}: source"),
        model_class=model.class_,
        arguments=model.arguments,
        source_configuration=_configuration(model.source, f"{path}: model.source"),
        supports=_supports(decode(Supports, top.supports, f"{path}: supports"), f"{path}: supports"),
        methods=methods if claims else dataclasses.replace(methods, densities=None),
        symbols=tuple(symbols),
        layout=_layout(top.layout, f"{path}: layout"),
        objective=_objective(Objective, top.objective, symbols, methods.objective, f"{path}: objective"),
        other_objectives=tuple(others),
        weights=tuple(rows),
        claims=tuple(claims),
        names=top.names,
        letters=top.letters,
        misprints=tuple(decode(Misprint, t, f"{path}: misprints[{i}]") for i, t in enumerate(top.misprints)),
    )
    check(notation)
    return notation


def _entries(tables: Mapping[str, Any], where: str) -> Iterator[tuple[str, Any, str]]:
    """Key, table and place of every entry of a keyed table; an entry that is a list has several tables."""
    for key, value in tables.items():
        if isinstance(value, list):
            yield from ((key, table, f"{where}.'{key}'[{i}]") for i, table in enumerate(value))
        else:
            yield key, value, f"{where}.'{key}'"


def _configuration(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    for name in values:
        if name not in SPEC_FIELDS:
            raise BadInput(f"{where}: unknown field '{name}'; expected one of {', '.join(SPEC_FIELDS)}")
    return {name: parse_field(name, value, where) for name, value in values.items()}


def _supports(table: Supports, where: str) -> Supports:
    for variance in table.variances or ():
        if variance <= 0:
            raise BadInput(f"{where}.variances: expected positive numbers; found {variance!r}")
    return table


def _methods(table: MethodsTable, where: str) -> Methods:
    """The methods; there is an encoder where its returns are said."""
    encodes = table.encoder_returns is not None
    read: dict[str, Any] = {
        "encoder": table.encoder if encodes else None,
        "encoder_returns": _returns(table.encoder_returns or {}, POSTERIORS, f"{where}.encoder_returns"),
        "decoder_returns": _returns(table.decoder_returns, LIKELIHOODS, f"{where}.decoder_returns"),
    }
    return Methods(**asdict(table) | read)


def _returns(returns: Returns, words: tuple[str, ...], where: str) -> dict[str, tuple[str, ...]]:
    """What a method returns, by a word of the specification."""
    if not isinstance(returns, dict):
        return dict.fromkeys(words, returns)
    for word in returns:
        if word not in words:
            raise BadInput(f"{where}: unknown field '{word}'; expected one of {', '.join(words)}")
    return returns


def _layout(table: Mapping[str, str], where: str) -> dict[str, tuple[str, ...]]:
    if table and set(table) != set(FRAMEWORKS):
        raise BadInput(f"{where}: expected the fields {', '.join(FRAMEWORKS)}; found {', '.join(table)}")
    return {name: read(AxisNames, axes, f"{where}.{name}") for name, axes in table.items()}


def _objective(kind: type[Kind], table: Any, symbols: list[Symbol], method: str, where: str) -> Kind:
    objective = replace(decode(kind, table, where), method=method)
    if objective.beta != "beta" and (isinstance(objective.beta, str) or objective.beta <= 0):
        raise BadInput(f"{where}.beta: expected a positive number, or 'beta'; found {objective.beta!r}")
    if "eq" in table:
        return objective
    for symbol in symbols:
        if symbol.code == objective.code:
            return replace(objective, equation=symbol.equation)
    raise BadInput(f"{where}: the field 'eq' is missing; expected text, since no symbol is '{objective.code}'")


def _symbol(code: str, table: Any, where: str) -> Symbol:
    if unicodedata.normalize("NFKC", code) != code:
        raise BadInput(f"{where}: expected an NFKC-normal name (Python folds look-alike letters); found {code!r}")
    symbol = replace(decode(Symbol, table, where), code=code)
    if "tex" not in table:
        symbol = replace(symbol, tex=typewriter(code))
    if "axes" not in table:
        symbol = replace(symbol, axes=AxisNames(ROLES[symbol.role].axes))
    for field, expected, found in _contradictions(symbol, "covers" in table):
        raise BadInput(f"{where}.{field}: expected {expected}; found {found!r}")
    return symbol


def _contradictions(symbol: Symbol, covers: bool) -> Iterator[tuple[str, str, Any]]:
    """Each field that contradicts the symbol's role: its name, what was expected and what was found."""
    role = ROLES[symbol.role]
    if symbol.sign not in (1, -1):
        yield "sign", "1 or -1", symbol.sign
    if symbol.scale not in role.scales and (role.scales or symbol.scale is not None):
        choices = f"one of {', '.join(role.scales)}" if role.scales else "none"
        yield "scale", f"{choices}, by the role '{role.name}'", symbol.scale
    if role.kind == "weights" and not symbol.axes and not symbol.covers:
        yield "covers", "the canonical weights of the set, or axes for one weight", list(symbol.covers)
    if covers and (symbol.axes or role.kind not in ("weights", "distribution")):
        yield "covers", "none, since this is neither a set of weights nor a distribution", list(symbol.covers)
    if symbol.covers_eq is not None and (not covers or role.kind != "distribution"):
        yield "covers_eq", "none, since this is no distribution with `covers`", symbol.covers_eq
    if symbol.estimate and role.kind != "objective":
        yield "estimate", f"none, since role '{role.name}' is no bound", symbol.estimate
    if symbol.dropped and role.kind not in ("term", "objective"):
        yield "constants_dropped", f"none, since role '{role.name}' is no term", list(symbol.dropped)
