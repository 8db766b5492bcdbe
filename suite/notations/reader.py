"""Parse and validate notation.toml: one line names the field that is unknown, mistyped or outside the vocabulary."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

from ..reference.errors import BadInput
from ..reference.parsing import CONDITIONS, LIKELIHOODS, POSTERIORS, parse_field
from ..reference.spec import Spec
from ..reference.tensors import BOUNDS
from .axes import parse_axes
from .constants import CONSTANTS, Constant, parse
from .cross_check import check
from .roles import KINDS, NETS, ROLES
from .schema import (
    FRAMEWORKS,
    PROVENANCE,
    Claim,
    Methods,
    Notation,
    Objective,
    Place,
    Source,
    Supports,
    Symbol,
    Weight,
    When,
)
from .toml_table import Table, read_toml

SPEC_FIELDS = tuple(Spec.__dataclass_fields__)


def load_notation(path: Path, notation_id: str) -> Notation:
    """Read and validate a notation.toml.

    Raises:
        BadInput: naming the file, the field, what was expected and what was found.
    """
    return parse_notation(read_toml(path), notation_id)


def parse_notation(top: Table, notation_id: str) -> Notation:
    """A notation.toml's top table, validated. Raises BadInput as `load_notation` does."""
    model = top.table("model")
    notation = Notation(
        id=notation_id,
        path=top.path,
        source=_source(top.table("source")),
        model_class=model.text("class"),
        arguments=_arguments(model.table("arguments")),
        source_configuration=_configuration(model.table("source", {})),
        supports=_supports(top.table("supports")),
        methods=_methods(top.table("methods")),
        symbols=tuple(_symbol(table) for table in top.tables("symbols")),
        layout=_layout(top.table("layout", {})),
        objective=_objective(top.table("objective")),
        weights=tuple(_weight(table) for table in top.tables("weights")),
        claims=tuple(_claim(table) for table in top.tables("claims", [])),
        names=_names(top.table("names", {})),
    )
    model.finish()
    top.finish()
    check(notation)
    return notation


def _source(table: Table) -> Source:
    source = Source(
        authors=table.texts("authors"),
        year=table.take("year", int, "a year"),
        title=table.text("title"),
        venue=table.text("venue"),
        identifier=table.text("identifier"),
        sections=table.text("sections"),
        provenance=table.choice("provenance", PROVENANCE),
        note=table.text("note", ""),
    )
    table.finish()
    return source


def _arguments(table: Table) -> dict[str, str]:
    choices = (*SPEC_FIELDS, "hidden.0")
    arguments = {name: str(table.choice(name, choices)) for name in table.fields()}
    table.finish()
    return arguments


def _configuration(table: Table) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in table.fields():
        if name not in SPEC_FIELDS:
            raise BadInput(
                f"{table.path}: {table.name}: unknown field '{name}'; expected one of {', '.join(SPEC_FIELDS)}"
            )
        value = table.take(name, (str, int, float, list), "a value of the specification")
        values[name] = parse_field(name, value, f"{table.path}: {table.name}")
    table.finish()
    return values


#: What a source defines where it does not say: what most sources mean.
DEFAULT_SUPPORT = {"posterior": "diagonal", "decoder_weights": "point", "latents": "none", "beta": "one"}


def _supports(table: Table) -> Supports:
    words = {
        condition: table.texts(condition, choices, [DEFAULT_SUPPORT[condition]])
        if condition in DEFAULT_SUPPORT
        else table.texts(condition, choices)
        for condition, choices in CONDITIONS.items()
    }
    variances = table.take("variances", list, "a list of positive numbers", None)
    if variances is not None and not all(isinstance(v, int | float) and v > 0 for v in variances):
        raise table.fail("variances", "a list of positive numbers", variances)
    supports = Supports(
        words=words,
        depth=table.take("depth", int, "a number of hidden layers", None),
        variances=None if variances is None else tuple(float(v) for v in variances),
    )
    table.finish()
    return supports


def _when(table: Table) -> When:
    conditions = table.table("when", {})
    when = {name: conditions.texts(name, CONDITIONS[name]) for name in conditions.fields() if name in CONDITIONS}
    conditions.finish()
    return when


def _constants(table: Table, field: str) -> tuple[Constant, ...]:
    texts = table.texts(field, default=[])
    try:
        return tuple(parse(text) for text in texts)
    except ValueError as error:
        expected = f"'+' or '-' and one of {', '.join(CONSTANTS)}"
        raise table.fail(field, expected, str(error).strip("'")) from None


def _methods(table: Table) -> Methods:
    encoder = table.text("encoder", None)
    methods = Methods(
        encoder=encoder,
        encoder_returns={} if encoder is None else _returns(table, "encoder_returns", POSTERIORS),
        decoder=table.text("decoder"),
        decoder_returns=_returns(table, "decoder_returns", LIKELIHOODS),
        quantities=table.text("quantities"),
        objective=table.text("objective"),
        densities=table.text("densities", None),
        quantities_as_published=table.text("quantities_as_published", None),
        objective_as_published=table.text("objective_as_published", None),
    )
    table.finish()
    return methods


def _returns(table: Table, field: str, words: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """What a method returns, by a word of the specification: one list for all of them, or a table."""
    if table.holds(field, list):
        return dict.fromkeys(words, table.texts(field))
    entries = table.table(field)
    returns = {word: entries.texts(word) for word in words if word in entries.fields()}
    entries.finish()
    return returns


def _symbol(table: Table) -> Symbol:
    code = table.text("code")
    if unicodedata.normalize("NFKC", code) != code:
        raise table.fail("code", "an NFKC-normal name (Python folds look-alike letters)", code)
    axes = table.text("axes", "")
    symbol = Symbol(
        code=code,
        tex=table.text("tex"),
        role=table.choice("role", ROLES),
        kind=table.choice("kind", KINDS),
        net=table.choice("net", NETS),
        axes=_axis_names(table, "axes", axes) if axes else (),
        equation=table.text("equation"),
        quantity=table.text("quantity", None),
        scale=table.text("scale", None),
        sign=table.take("sign", int, "1 or -1", 1),
        dropped=_constants(table, "constants_dropped"),
        covers=table.texts("covers", default=[]),
        when=_when(table),
        provenance=table.choice("provenance", PROVENANCE, None),
        note=table.text("note", ""),
    )
    _check_symbol(table, symbol)
    table.finish()
    return symbol


def _check_symbol(table: Table, symbol: Symbol) -> None:
    role = ROLES[symbol.role]
    if symbol.sign not in (1, -1):
        raise table.fail("sign", "1 or -1", symbol.sign)
    if symbol.kind != role.kind:
        raise table.fail("kind", f"'{role.kind}', since role '{role.name}' is one", symbol.kind)
    if symbol.net != role.net:
        raise table.fail("net", f"'{role.net}', since role '{role.name}' is of it", symbol.net)
    if symbol.quantity is not None and role.scaled and symbol.scale is None:
        raise table.fail("scale", f"one of {', '.join(role.scales)}, since role '{role.name}' is a scale", None)
    if symbol.scale is not None and not role.scaled:
        raise table.fail("scale", f"none, since role '{role.name}' is no scale", symbol.scale)
    if symbol.scale is not None and symbol.scale not in role.scales:
        raise table.fail("scale", f"one of {', '.join(role.scales)}", symbol.scale)
    if role.kind == "weights" and not symbol.axes and not symbol.covers:
        raise table.fail("covers", "the canonical weights of the set, or axes for one weight", [])
    if symbol.covers and (role.kind != "weights" or symbol.axes):
        raise table.fail("covers", "none, since this is no set of weights", list(symbol.covers))
    if symbol.dropped and role.kind not in ("term", "objective"):
        raise table.fail("constants_dropped", f"none, since role '{role.name}' is no term", [*map(str, symbol.dropped)])


def _axis_names(table: Table, field: str, text: str) -> tuple[str, ...]:
    try:
        axes = parse_axes(text)
    except ValueError:
        raise table.fail(field, "axes by name, such as 'batch latent'", text) from None
    if any(len(axis) != 1 for axis in axes):
        raise table.fail(field, "simple axes without parentheses", text)
    return tuple(axis[0] for axis in axes)


def _layout(table: Table) -> dict[str, tuple[str, ...]]:
    if not table.fields():
        return {}
    layout = {name: _axis_names(table, name, table.text(name)) for name in FRAMEWORKS}
    table.finish()
    return layout


def _objective(table: Table) -> Objective:
    objective = Objective(
        code=table.text("code"),
        bound=table.choice("bound", BOUNDS, "elbo"),
        sense=table.choice("sense", ("maximised", "minimised")),
        data=table.choice("data", ("sum", "mean", "N/M")),
        latents=table.choice("latents", ("sum", "mean")),
        pixels=table.choice("pixels", ("sum", "mean")),
        dropped=_constants(table, "constants_dropped"),
        beta=table.take("beta", (int, float, str), "a number, or 'beta'", 1),
        equation=table.text("equation"),
    )
    if objective.beta != "beta" and (isinstance(objective.beta, str) or objective.beta <= 0):
        raise table.fail("beta", "a positive number, or 'beta'", objective.beta)
    table.finish()
    return objective


def _weight(table: Table) -> Weight:
    places: dict[str, Place] = {}
    for framework in FRAMEWORKS:
        place = table.table(framework)
        places[framework] = Place(path=place.text("path"), axes=place.text("axes"))
        try:
            parse_axes(places[framework].axes)
        except ValueError as error:
            raise BadInput(f"{table.path}: {place.name}.axes: {error}") from None
        place.finish()
    weight = Weight(
        canonical=table.text("canonical"),
        published=table.text("published"),
        places=places,
        scale=float(table.take("scale", (int, float), "a number", 1)),
        flip=table.texts("flip", default=[]),
        when=_when(table),
    )
    for framework in FRAMEWORKS:
        axes = places[framework].axes
        if not set(weight.flip) <= {name for axis in parse_axes(axes) for name in axis}:
            raise table.fail("flip", f"axes out of '{axes}' ({framework})", list(weight.flip))
    table.finish()
    return weight


def _names(table: Table) -> dict[str, str]:
    names = {name: str(table.text(name)) for name in table.fields()}
    table.finish()
    return names


def _claim(table: Table) -> Claim:
    claim = Claim(table.text("distribution"), table.texts("weights"), table.text("equation", ""))
    table.finish()
    return claim
