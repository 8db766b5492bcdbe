"""Parse and validate notation.toml: one line names the field that is unknown, mistyped or outside the vocabulary."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

from .axes import parse_axes
from .errors import BadInput
from .notation import (
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
)
from .roles import KINDS, NETS, ROLES, TO_LOG_VARIANCE
from .spec import ACTIVATIONS, LIKELIHOODS, NETWORKS, PRIORS, Spec, parse_field
from .toml_table import Table, read_toml

SPEC_FIELDS = tuple(Spec.__dataclass_fields__)
#: What a decoder's output is, by likelihood: the tensors of the numerical contract.
DECODER_ROLES = {
    "bernoulli": ("decoder_logits",),
    "gaussian": ("decoder_mean", "decoder_scale"),
    "gaussian-fixed": ("decoder_mean",),
}


def load_notation(path: Path, notation_id: str) -> Notation:
    """Read and validate a notation.toml.

    Raises:
        BadInput: naming the file, the field, what was expected and what was found.
    """
    top = read_toml(path)
    model = top.table("model")
    notation = Notation(
        id=notation_id,
        path=path,
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
        claims=tuple(_claim(table) for table in top.tables("claims")),
    )
    model.finish()
    top.finish()
    _check_whole(notation)
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


def _supports(table: Table) -> Supports:
    supports = Supports(
        network=table.texts("network", NETWORKS),
        likelihood=table.texts("likelihood", LIKELIHOODS),
        prior=table.texts("prior", PRIORS),
        activation=table.texts("activation", ACTIVATIONS),
        depth=table.take("depth", int, "a number of hidden layers", None),
    )
    table.finish()
    return supports


def _methods(table: Table) -> Methods:
    returns = table.table("decoder_returns")
    methods = Methods(
        encoder=table.text("encoder"),
        encoder_returns=table.texts("encoder_returns"),
        decoder=table.text("decoder"),
        decoder_returns={name: returns.texts(name) for name in LIKELIHOODS if name in returns.fields()},
        quantities=table.text("quantities"),
        objective=table.text("objective"),
        quantities_as_published=table.text("quantities_as_published", None),
        objective_as_published=table.text("objective_as_published", None),
    )
    returns.finish()
    table.finish()
    return methods


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
        scale=table.choice("scale", TO_LOG_VARIANCE, None),
        sign=table.take("sign", int, "1 or -1", 1),
        likelihood=table.choice("likelihood", LIKELIHOODS, None),
        note=table.text("note", ""),
    )
    if symbol.sign not in (1, -1):
        raise table.fail("sign", "1 or -1", symbol.sign)
    if symbol.quantity is not None and ROLES[symbol.role].scaled and symbol.scale is None:
        raise table.fail("scale", f"one of {', '.join(TO_LOG_VARIANCE)}, since role '{symbol.role}' is a scale", None)
    if symbol.scale is not None and not ROLES[symbol.role].scaled:
        raise table.fail("scale", f"none, since role '{symbol.role}' is no scale", symbol.scale)
    table.finish()
    return symbol


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
        sense=table.choice("sense", ("maximised", "minimised")),
        data=table.choice("data", ("sum", "mean", "N/M")),
        latents=table.choice("latents", ("sum",)),
        pixels=table.choice("pixels", ("sum",)),
        constants_dropped=table.texts("constants_dropped", default=[]),
        beta=float(table.take("beta", (int, float), "a number", 1)),
        equation=table.text("equation"),
    )
    if objective.beta != 1:
        raise table.fail("beta", "1: no source so far weighs its KL", objective.beta)
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
        network=table.choice("network", NETWORKS, None),
        likelihood=table.choice("likelihood", LIKELIHOODS, None),
    )
    for framework in FRAMEWORKS:
        axes = places[framework].axes
        if not set(weight.flip) <= {name for axis in parse_axes(axes) for name in axis}:
            raise table.fail("flip", f"axes out of '{axes}' ({framework})", list(weight.flip))
    table.finish()
    return weight


def _claim(table: Table) -> Claim:
    claim = Claim(table.text("distribution"), table.texts("weights"), table.text("equation", ""))
    table.finish()
    return claim


def _check_whole(notation: Notation) -> None:
    """What no single table can show: names refer to symbols, and the roles that every notation needs are there."""
    computed = {s.quantity for s in notation.symbols if s.quantity}
    for likelihood in notation.supports.likelihood:
        if likelihood not in notation.methods.decoder_returns:
            raise BadInput(
                f"{notation.path}: methods.decoder_returns: no entry for the supported likelihood '{likelihood}'"
            )
    lists = {"encoder_returns": notation.methods.encoder_returns}
    lists |= {f"decoder_returns.{k}": v for k, v in notation.methods.decoder_returns.items()}
    for field, names in lists.items():
        for name in names:
            if name not in computed:
                raise BadInput(
                    f"{notation.path}: methods.{field}: expected quantities of [[symbols]] "
                    f"({', '.join(sorted(computed))}); found '{name}'"
                )
    for symbol in notation.symbols:
        for likelihood in notation.supports.likelihood if symbol.quantity else ():
            applies = symbol.likelihood in (None, likelihood)
            if applies and symbol.role.startswith("decoder_") and symbol.role not in DECODER_ROLES[likelihood]:
                raise BadInput(
                    f"{notation.path}: symbols: quantity '{symbol.quantity}': expected a role out of "
                    f"{', '.join(DECODER_ROLES[likelihood])} for likelihood '{likelihood}'; found '{symbol.role}'"
                )
    roles = {s.role for s in notation.symbols}
    for role in ("data", "noise", "posterior_mean", "posterior_scale", "latent", "log_likelihood", "kl", "elbo"):
        if role not in roles:
            raise BadInput(f"{notation.path}: symbols: expected a symbol of role '{role}'; found none")
