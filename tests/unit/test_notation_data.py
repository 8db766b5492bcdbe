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
#: Roles that were not there.
NEW_ROLES = ("exact_bound", "exact_data_bound", "log_marginal", "log_data_marginal")
#: Facts mended: which letter, which equation and how it is known were held against the sources again. They are not
#: compared, nor are the symbols that came; what a run executes is.
FACTS = ("tex", "equation", "provenance", "note")
NEW_SYMBOLS = {
    ("bishop_2024", "data"),
    ("higgins_2017", "data"),
    ("higgins_2017", "latent"),
    ("kingma_welling_2019", "data_dim"),
    ("rezende_2014", "data_dim"),
}
#: What (24) prints is computed, the negative of what was.
RENAMED = {
    ("kingma_welling_2013_full_vb", f"D_KL_{letter}"): {
        **dict.fromkeys(("code", "quantity"), f"minus_D_KL_{letter}"),
        "sign": -1,
    }
    for letter in ("z", "θ")
}
PUBLISHED = ("authors", "year", "title", "venue", "identifier")
SYMBOL = (
    "code",
    "role",
    "kind",
    "net",
    "axes",
    "quantity",
    "scale",
    "sign",
    "covers",
    "when",
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
    return plain(fields | {"dropped": [str(c) for c in entry.dropped]})


def weight(row: Weight) -> Any:
    places = {framework: {"path": place.path, "axes": place.axes} for framework, place in row.places.items()}
    fields = {name: getattr(row, name) for name in ("canonical", "published", "scale", "flip", "when")}
    return plain(fields | {"places": places})


def now(notation: Notation) -> dict[str, Any]:
    source, objective, supports = notation.source, notation.objective, notation.supports
    names = ("model_class", "arguments", "source_configuration", "layout", "names")
    reduction = ("code", "bound", "sense", "data", "latents", "pixels", "beta")
    return {
        **{name: plain(getattr(notation, name)) for name in names},
        "source": plain({name: getattr(source, name) for name in PUBLISHED}),
        "supports": plain({"words": supports.words, "depth": supports.depth, "variances": supports.variances}),
        "methods": plain(vars(notation.methods)),
        "objective": {
            **plain({name: getattr(objective, name) for name in reduction}),
            "dropped": [str(constant) for constant in objective.dropped],
        },
        "symbols": [
            symbol(entry)
            for entry in notation.symbols
            if entry.role not in NEW_ROLES and (notation.id, entry.code) not in NEW_SYMBOLS
        ],
        "weights": [weight(row) for row in notation.weights],
        "claims": [plain({"distribution": c.distribution, "weights": c.weights}) for c in notation.claims],
    }


def test_no_notation_went() -> None:
    assert BEFORE.keys() <= notations().keys()


@pytest.mark.parametrize("name", BEFORE)
def test_a_file_says_what_it_said(name: str) -> None:
    before, found = BEFORE[name], now(notations()[name])
    assert found.keys() == before.keys()
    before["source"] = {field: before["source"][field] for field in PUBLISHED}
    for entry in (before["objective"], *before["symbols"], *before["claims"]):
        for fact in FACTS:
            entry.pop(fact, None)
    for entry in before["symbols"]:
        entry.update(RENAMED.get((name, entry["code"]), {}))
    for table in ("symbols", "weights", "claims"):  # in any order
        before[table], found[table] = (
            sorted(side[table], key=partial(json.dumps, sort_keys=True)) for side in (before, found)
        )
    for table in before:
        assert found[table] == before[table], f"{name}: {table}"
