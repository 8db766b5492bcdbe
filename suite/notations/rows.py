"""The rows of [weights]: their schema, a layer as the rows of its tensors, and the symbols that a row prints."""

from __future__ import annotations

import re
from typing import Annotated, Any

from ..reference.errors import BadInput
from .axes import names_of, parse_axes
from .decode import decode, read
from .fields import AxisNames, When, typewriter
from .notation import Weight
from .schema import FRAMEWORKS, EqKnown, Known, Place, Symbol, Table, Text, Texts, WhenField, says

_PLACEHOLDER = re.compile(r"\{[ij]\}")
#: Kind of layer → framework → the axes of its weight, which torch calls `weight` and Keras `kernel`.
LAYOUTS = {
    "dense": {"torch": "out in", "keras": "in out"},
    "encoder.conv": {"torch": "out in height width", "keras": "height width in out"},
    "decoder.conv": {"torch": "in out height width", "keras": "height width out in"},
}
WEIGHT_NAMES = {"torch": "weight", "keras": "kernel"}
#: What the first part of a canonical name says of the symbol that a row prints.
ROLE_OF = {
    "encoder": "inference_weights",
    "posterior": "inference_weights",
    "decoder": "generative_weights",
    "prior": "prior_weights",
}


class WeightTable(Table, frozen=True):
    """A layer, keyed by its canonical name, or one tensor of it; a list of tables where it differs by `when`.

    `{i}` and `{j}` stand for the numbers of layers. Exactly one of `layer`, `at`, or `torch` with `keras` says where it
    is. A row with `eq` is also the entry of the symbol that it prints: a layer's of the set of its weights, any other
    of each tensor.
    """

    layer: Annotated[
        Text | None,
        says(
            "path of the layer in both models: weight (out, in) and bias in torch, kernel (in, out) and bias in Keras",
            example="fc1",
        ),
    ] = None
    at: Annotated[
        Text | None,
        says(
            "paths of the same tensors in both models: of a weight (out, in) and a bias, or of one tensor",
            example="φ.W_3 φ.b_3",
        ),
    ] = None
    torch: Annotated[dict[str, Any] | None, says("path and axes in torch_vae.py")] = None
    keras: Annotated[dict[str, Any] | None, says("path and axes in keras_vae.py")] = None
    axes: Annotated[
        Text | None, says("with `at`, where the tensor is no weight or bias of a layer", example="datum latent")
    ] = None
    published: Annotated[Text | None, says("the name that the source prints; the path if omitted")] = None
    scale: Annotated[float, says("published = scale · canonical", example="0.5")] = 1.0
    flip: Annotated[Texts, says("axes that run backwards in the published layout")] = ()
    when: WhenField = When()
    tex: Annotated[
        Texts | Text | None, says("with `eq`: as the source prints it; with `at`, a list for weight and bias")
    ] = None
    eq: Annotated[Text | None, says("where the source prints its symbol, as in `[symbols]`")] = None
    known: Known = None
    eq_known: EqKnown = None
    note: Annotated[Text, says("prose")] = ""


def weights(canonical: str, row: WeightTable, names_from: str, where: str) -> tuple[list[Weight], list[Symbol]]:
    """The tensors of a row, and the symbols that it prints.

    Args:
        canonical: the row's key.
        row: what it says.
        names_from: the framework whose attribute names the source prints.
        where: file, table and key, for messages.

    Raises:
        BadInput: the row has not exactly one way to say where the weights are, or a field that does not go with it.
    """
    for field in ("tex", "known", "eq_known"):
        if row.eq is None and getattr(row, field) is not None:
            raise BadInput(f"{where}.{field}: expected none without `eq`; found {getattr(row, field)!r}")
    tensors = _tensors(canonical, row, names_from, where)
    return tensors, _symbols(canonical, tensors, row, where) if row.eq is not None else []


def _tensors(canonical: str, row: WeightTable, names_from: str, where: str) -> list[Weight]:
    said = [name for name in ("layer", "at", "torch") if getattr(row, name) is not None]
    if len(said) != 1 or (row.torch is None) != (row.keras is None):
        raise BadInput(f"{where}: expected one of layer, at, or torch with keras; found {', '.join(said) or 'none'}")
    if row.axes is not None and row.at is None:
        raise BadInput(f"{where}.axes: expected none without `at`; found {row.axes!r}")
    if row.layer is not None:
        return _layer(canonical, row.layer, row, names_from, where)
    if row.at is not None:
        return _same_tensors(canonical, row.at.split(), row, where)
    tables = {framework: getattr(row, framework) for framework in FRAMEWORKS}
    places = {f: decode(Place, table, f"{where}.{f}") for f, table in tables.items()}
    return [_weight(canonical, row.published or places[names_from].path, places, row, where)]


def _layer(canonical: str, layer: str, row: WeightTable, names_from: str, where: str) -> list[Weight]:
    layouts = next((axes for kind, axes in LAYOUTS.items() if canonical.startswith(f"{kind}.")), LAYOUTS["dense"])
    places = {f: Place(f"{layer}.{WEIGHT_NAMES[f]}", axes) for f, axes in layouts.items()}
    name = row.published or layer
    return [
        _weight(f"{canonical}.weight", f"{name}.{WEIGHT_NAMES[names_from]}", places, row, where),
        _weight(f"{canonical}.bias", f"{name}.bias", _both(f"{layer}.bias", "out"), row, where),
    ]


def _same_tensors(canonical: str, paths: list[str], row: WeightTable, where: str) -> list[Weight]:
    """Tensors that lie at one path in both models: a layer's weight and bias, or one tensor."""
    if len(paths) == 1:
        kept = "out in" if ".weight" in canonical else "out" if ".bias" in canonical else None
        axes = row.axes or kept
        if axes is None:
            raise BadInput(f"{where}: the field 'axes' is missing; '{canonical}' is no weight or bias of a layer")
        return [_weight(canonical, row.published or paths[0], _both(paths[0], axes), row, where)]
    if len(paths) != 2 or row.axes is not None or row.published is not None:
        raise BadInput(f"{where}.at: expected the paths of a weight and a bias; found {row.at!r}")
    names = {"weight": "out in", "bias": "out"}
    return [
        _weight(f"{canonical}.{name}", path, _both(path, axes), row, where)
        for path, (name, axes) in zip(paths, names.items(), strict=True)
    ]


def _both(path: str, axes: str) -> dict[str, Place]:
    return dict.fromkeys(FRAMEWORKS, Place(path, axes))


def _weight(canonical: str, published: str, places: dict[str, Place], row: WeightTable, where: str) -> Weight:
    numbers = _PLACEHOLDER.findall(canonical)
    for text in (canonical, published, *(place.path for place in places.values())):
        found = _PLACEHOLDER.findall(text)
        known = set(found) <= set(numbers) and len(set(numbers)) == len(numbers)
        if not known or set("{}") & set(_PLACEHOLDER.sub("", text)):
            expected = "layer numbers {i} and {j}, each once in the canonical name"
            raise BadInput(f"{where}: expected {expected}, and no other braces; found '{text}' of '{canonical}'")
    for framework, place in places.items():
        try:
            names = set(names_of(parse_axes(place.axes)))
        except ValueError as error:
            raise BadInput(f"{where}.{framework}.axes: {error}") from None
        if not set(row.flip) <= names:
            raise BadInput(f"{where}.flip: expected axes out of '{place.axes}'; found {list(row.flip)}")
    return Weight(canonical, published, places, row.scale, row.flip, row.when)


def _symbols(canonical: str, tensors: list[Weight], row: WeightTable, where: str) -> list[Symbol]:
    """The symbols that a row prints: the layer as a set of weights, or each tensor by its published name."""
    owner = canonical.partition(".")[0]
    if owner not in ROLE_OF:
        raise BadInput(f"{where}: expected a canonical name that begins with {', '.join(ROLE_OF)}; found '{canonical}'")
    common: dict[str, Any] = {"role": ROLE_OF[owner], "equation": row.eq, "when": row.when}
    common |= {"known": row.known, "eq_known": row.eq_known, "note": row.note}
    if row.layer is not None:
        tex = row.tex if isinstance(row.tex, str) else typewriter(row.layer)
        return [Symbol(code=row.layer, tex=tex, covers=(f"{canonical}.*",), **common)]
    texts = [row.tex] if isinstance(row.tex, str) else list(row.tex or map(typewriter, (t.published for t in tensors)))
    if len(texts) != len(tensors):
        raise BadInput(f"{where}.tex: expected {len(tensors)} texts; found {row.tex!r}")
    return [
        Symbol(code=t.published, tex=tex, axes=read(AxisNames, t.places["torch"].axes, where), **common)
        for t, tex in zip(tensors, texts, strict=True)
    ]
