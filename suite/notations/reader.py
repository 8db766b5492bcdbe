"""Read notation.toml: each table by its schema, with the values that other fields imply."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from ..reference.errors import BadInput
from ..reference.parsing import CONDITIONS, LIKELIHOODS, POSTERIORS, parse_field
from .constants import parse
from .cross_check import check
from .decode import decode, read_toml
from .fields import axis_names, typewriter, when
from .formulas import formula
from .notation import Claim, Methods, Misprint, Notation, Objective, Supports, Symbol, Weight
from .roles import ROLES
from .rows import weights
from .schema import (
    FRAMEWORKS,
    SPEC_FIELDS,
    Document,
    MethodsTable,
    MisprintTable,
    ModelTable,
    ObjectiveTable,
    OtherObjectiveTable,
    Returns,
    Source,
    SupportsTable,
    SymbolTable,
    Table,
    WeightTable,
)

T = TypeVar("T", Misprint, Methods, Objective, Symbol)


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
    objective = decode(ObjectiveTable, top.objective, f"{path}: objective")
    methods = _methods(decode(MethodsTable, top.methods, f"{path}: methods"), f"{path}: methods")
    symbols, claims = [], []
    for code, table, where in _entries(top.symbols, f"{path}: symbols"):
        entry = decode(SymbolTable, table, where)
        symbols.append(_symbol(code, entry, where))
        if entry.covers is not None and symbols[-1].kind == "distribution":
            claims.append(Claim(code, entry.covers, entry.equation if entry.covers_eq is None else entry.covers_eq))
    others = []
    for method, table, where in _entries(top.other_objectives, f"{path}: other_objectives"):
        other = decode(OtherObjectiveTable, table, where)
        others.append(_objective(other, symbols, method, where))
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
        supports=_supports(decode(SupportsTable, top.supports, f"{path}: supports"), f"{path}: supports"),
        methods=methods if claims else replace(methods, densities=None),
        symbols=tuple(symbols),
        layout=_layout(top.layout, f"{path}: layout"),
        objective=_objective(objective, symbols, methods.objective, f"{path}: objective"),
        other_objectives=tuple(others),
        weights=tuple(rows),
        claims=tuple(claims),
        names=top.names,
        letters=top.letters,
        misprints=tuple(_misprints(top.misprints, f"{path}: misprints")),
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


def _made(kind: type[T], table: Table, **read: Any) -> T:
    """An entry: the fields of its table that it has by the same name, and those that were read out of others."""
    same = {name: getattr(table, name) for name in kind.__dataclass_fields__ if name in table.__struct_fields__}
    return kind(**same | read)


def _misprints(tables: Sequence[Any], where: str) -> Iterator[Misprint]:
    for i, table in enumerate(tables):
        entry = decode(MisprintTable, table, f"{where}[{i}]")
        formulas = {name: formula(getattr(entry, name), f"{where}[{i}].{name}") for name in ("printed", "meant")}
        yield _made(Misprint, entry, **formulas, when=when(entry.when, f"{where}[{i}]"))


def _configuration(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    for name in values:
        if name not in SPEC_FIELDS:
            raise BadInput(f"{where}: unknown field '{name}'; expected one of {', '.join(SPEC_FIELDS)}")
    return {name: parse_field(name, value, where) for name, value in values.items()}


def _supports(table: SupportsTable, where: str) -> Supports:
    for variance in table.variances or ():
        if variance <= 0:
            raise BadInput(f"{where}.variances: expected positive numbers; found {variance!r}")
    return Supports({name: getattr(table, name) for name in CONDITIONS}, table.depth, table.variances)


def _methods(table: MethodsTable, where: str) -> Methods:
    """The methods; there is an encoder where its returns are said."""
    encodes = table.encoder_returns is not None
    return _made(
        Methods,
        table,
        encoder=table.encoder if encodes else None,
        encoder_returns=_returns(table.encoder_returns or {}, POSTERIORS, f"{where}.encoder_returns"),
        decoder_returns=_returns(table.decoder_returns, LIKELIHOODS, f"{where}.decoder_returns"),
    )


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
    return {name: axis_names(axes, f"{where}.{name}") for name, axes in table.items()}


def _objective(table: ObjectiveTable, symbols: list[Symbol], method: str, where: str) -> Objective:
    if table.beta != "beta" and (isinstance(table.beta, str) or table.beta <= 0):
        raise BadInput(f"{where}.beta: expected a positive number, or 'beta'; found {table.beta!r}")
    equation = table.equation
    if equation is None:
        equation = next((s.equation for s in symbols if s.code == table.code), None)
    if equation is None:
        raise BadInput(f"{where}: the field 'eq' is missing; expected text, since no symbol is '{table.code}'")
    conditions = when(table.when, where) if isinstance(table, OtherObjectiveTable) else {}
    dropped = tuple(map(parse, table.constants_dropped))
    return _made(Objective, table, equation=equation, dropped=dropped, method=method, when=conditions)


def _symbol(code: str, entry: SymbolTable, where: str) -> Symbol:
    if unicodedata.normalize("NFKC", code) != code:
        raise BadInput(f"{where}: expected an NFKC-normal name (Python folds look-alike letters); found {code!r}")
    symbol = _made(
        Symbol,
        entry,
        code=code,
        tex=typewriter(code) if entry.tex is None else entry.tex,
        axes=ROLES[entry.role].axes if entry.axes is None else axis_names(entry.axes, f"{where}.axes"),
        dropped=tuple(map(parse, entry.constants_dropped)),
        covers=entry.covers or (),
        when=when(entry.when, where),
    )
    for field, expected, found in _contradictions(symbol, entry):
        raise BadInput(f"{where}.{field}: expected {expected}; found {found!r}")
    return replace(symbol, covers=()) if symbol.kind == "distribution" else symbol


def _contradictions(symbol: Symbol, entry: SymbolTable) -> Iterator[tuple[str, str, Any]]:
    """Each field that contradicts the symbol's role: its name, what was expected and what was found."""
    role = ROLES[symbol.role]
    if symbol.sign not in (1, -1):
        yield "sign", "1 or -1", symbol.sign
    if symbol.scale not in role.scales and (role.scales or symbol.scale is not None):
        choices = f"one of {', '.join(role.scales)}" if role.scales else "none"
        yield "scale", f"{choices}, by the role '{role.name}'", symbol.scale
    if role.kind == "weights" and not symbol.axes and not symbol.covers:
        yield "covers", "the canonical weights of the set, or axes for one weight", list(symbol.covers)
    if entry.covers is not None and (symbol.axes or role.kind not in ("weights", "distribution")):
        yield "covers", "none, since this is neither a set of weights nor a distribution", list(entry.covers)
    if entry.covers_eq is not None and (entry.covers is None or role.kind != "distribution"):
        yield "covers_eq", "none, since this is no distribution with `covers`", entry.covers_eq
    if symbol.estimate and role.kind != "objective":
        yield "estimate", f"none, since role '{role.name}' is no bound", symbol.estimate
    if symbol.dropped and role.kind not in ("term", "objective"):
        yield "constants_dropped", f"none, since role '{role.name}' is no term", list(entry.constants_dropped)
