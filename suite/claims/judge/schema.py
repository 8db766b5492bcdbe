"""Every field of a notation.toml: either the check that executes it, or prose, which cannot be executed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...notations.notation import Notation
from . import misprints, objective
from .symbols import claim_of

PROSE = "prose"

#: Table → field → the check that executes it, or PROSE. `*` stands for every name that a source chooses itself.
FIELDS: dict[str, dict[str, str]] = {
    "source": dict.fromkeys(
        ("authors", "year", "title", "venue", "identifier", "sections", "known", "eq_known", "equations", "note"), PROSE
    ),
    "model": {
        **dict.fromkeys(("class", "arguments", "source"), "check_model"),
        "names_from": "check_weights",
    },
    "supports": {"*": "check_supports"},
    "methods": {"*": "check_methods"},
    "layout": {"*": "check_inputs"},
    "objective": {
        **dict.fromkeys(
            ("code", "bound", "sense", "data", "latents", "pixels", "constants_dropped", "beta", "scale"),
            "check_objective",
        ),
        **dict.fromkeys(("where", "count", "eq", "known", "eq_known"), PROSE),
    },
    "other_objectives": {"*": "check_objective"},
    "symbols": {
        "code": "check_names",
        "tex": "check_tex",
        **dict.fromkeys(("role", "axes", "scale", "sign", "constants_dropped", "when"), "check_symbols"),
        "covers": "check_sets",  # of a set of weights; of a distribution `check_claims` executes it
        **dict.fromkeys(("eq", "covers_eq", "estimate", "known", "eq_known", "note"), PROSE),
    },
    "weights": {
        **dict.fromkeys(
            ("canonical", "layer", "at", "torch", "keras", "axes", "published", "scale", "flip", "when"),
            "check_weights",
        ),
        "tex": "check_tex",
        **dict.fromkeys(("eq", "known", "eq_known", "note"), PROSE),
    },
    "names": {"*": "check_names"},
    "letters": {"*": PROSE},
    "misprints": {
        **dict.fromkeys(("symbol", "printed", "meant", "when"), "check_misprints"),
        **dict.fromkeys(("eq", "tex", "known", "eq_known", "note"), PROSE),
    },
}


@dataclass(frozen=True)
class Entry:
    """One entry of a notation.toml: where it is, which of its fields are executed, and what it says."""

    where: str
    fields: tuple[str, ...]
    claimed: str


def entries(notation: Notation) -> Iterator[Entry]:
    """Every entry that is executed, as `Violation.where` names it."""
    said = notation.supports.words
    yield Entry("model", ("class", "arguments", "source"), notation.model_class)
    yield Entry("supports", (*said, "depth", "variances"), "; ".join(f"{c} {', '.join(w)}" for c, w in said.items()))
    called = [method for method in vars(notation.methods).values() if isinstance(method, str)]
    yield Entry("methods", executed("methods"), ", ".join(called))
    yield Entry("objective", executed("objective"), objective.claim_of(notation.objective))
    for other in notation.other_objectives:
        yield Entry(f"other_objectives {other.method}", executed("objective"), objective.claim_of(other))
    for symbol in notation.symbols:
        yield Entry(f"symbol {symbol.code}", executed("symbols"), claim_of(symbol))
    for row in notation.weights:
        yield Entry(f"weights '{row.canonical}'", executed("weights"), f"published {row.published}")
    for claim in notation.claims:
        yield Entry(f"claims {claim.distribution}", ("covers",), f"covers {list(claim.weights)}")
    for misprint in notation.misprints:
        yield Entry(misprints.where_of(misprint), executed("misprints"), misprints.claim_of(notation, misprint))


def executed(table: str) -> tuple[str, ...]:
    """The fields of a table that are no prose."""
    return tuple(name for name, how in FIELDS[table].items() if how != PROSE)
