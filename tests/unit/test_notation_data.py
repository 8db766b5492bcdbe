"""The keyed notation.toml files say what the files with a table per tensor said, field by field.

`notations_before.json.gz` is what those were read as. It goes when nobody needs the comparison any more.
"""

import gzip
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from elbostone.notations.notation import Notation, Symbol, Weight
from elbostone.notations.registry import notations

BEFORE = json.loads(gzip.decompress(Path(__file__).with_name("notations_before.json.gz").read_bytes()))
#: Roles that were not there, and the one text that was changed: a symbol, where an equation stood.
NEW_ROLES = ("exact_bound", "exact_data_bound", "log_marginal", "log_data_marginal")
MENDED = {("burda_2016", "L_1"): {"tex": r"\mathcal{L}_1(\mathbf{x})"}}
SYMBOL = (
    "code",
    "tex",
    "role",
    "kind",
    "net",
    "axes",
    "equation",
    "quantity",
    "scale",
    "sign",
    "covers",
    "when",
    "note",
)


def plain(value: Any) -> Any:
    """Mappings and sequences as JSON has them; the line ends of prose are no data."""
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [plain(entry) for entry in value]
    return " ".join(value.split()) if isinstance(value, str) else value


def symbol(entry: Symbol) -> Any:
    fields = {name: getattr(entry, name) for name in SYMBOL}
    return plain(fields | {"provenance": entry.provenance, "dropped": [str(c) for c in entry.dropped]})


def weight(row: Weight) -> Any:
    places = {framework: {"path": place.path, "axes": place.axes} for framework, place in row.places.items()}
    fields = {name: getattr(row, name) for name in ("canonical", "published", "scale", "flip", "when")}
    return plain(fields | {"places": places})


def now(notation: Notation) -> dict[str, Any]:
    source, objective, supports = notation.source, notation.objective, notation.supports
    names = ("model_class", "arguments", "source_configuration", "layout", "names")
    reduction = ("code", "bound", "sense", "data", "latents", "pixels", "beta", "equation")
    return {
        **{name: plain(getattr(notation, name)) for name in names},
        "source": plain({name: getattr(source, name) for name in source.__struct_fields__}),
        "supports": plain({"words": supports.words, "depth": supports.depth, "variances": supports.variances}),
        "methods": plain(vars(notation.methods)),
        "objective": {
            **plain({name: getattr(objective, name) for name in reduction}),
            "dropped": [str(constant) for constant in objective.dropped],
        },
        "symbols": [symbol(entry) for entry in notation.symbols if entry.role not in NEW_ROLES],
        "weights": [weight(row) for row in notation.weights],
        "claims": [plain(vars(claim)) for claim in notation.claims],
    }


def test_no_notation_went() -> None:
    assert BEFORE.keys() <= notations().keys()


@pytest.mark.parametrize("name", BEFORE)
def test_a_file_says_what_it_said(name: str) -> None:
    before, found = BEFORE[name], now(notations()[name])
    assert found.keys() == before.keys()
    for entry in before["symbols"]:
        entry.update(MENDED.get((name, entry["code"]), {}))
    for table in ("symbols", "weights", "claims"):  # in any order
        before[table], found[table] = (
            sorted(side[table], key=partial(json.dumps, sort_keys=True)) for side in (before, found)
        )
    for table in before:
        assert found[table] == before[table], f"{name}: {table}"
