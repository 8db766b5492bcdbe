"""False claims of symbols: a wrong value for every field of each entry that is no prose."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import permutations
from typing import Any

from claims.false_claim import OTHER_AXIS, Lie, false_when, renamed, setting
from claims.longhand import Document

from elbostone.claims.probes import probes
from elbostone.notations.letters import is_greek, letters_in, pattern_of
from elbostone.notations.notation import Notation
from elbostone.notations.roles import ROLES
from elbostone.reference.weights import weight_shapes
from elbostone.workers.subject import DATA_COUNT


def symbols(notation: Notation, document: Document, framework: str) -> Iterator[Lie]:
    computed = [symbol.code for symbol in notation.symbols if symbol.quantity]
    for code, entries in document["symbols"].items():
        kind = ROLES[entries[0]["role"]].kind
        others = [f"{code}q", *(c for c in computed if c != code and code in computed)][:2]
        for other in others if kind != "distribution" else ():
            yield Lie("symbols", "code", f"symbol {other}", other, renamed(document, "symbols", code, other))
        for i, entry in enumerate(entries):
            for field, value, shown in _false_fields(notation, code, entry):
                where = f"{'claims' if kind == 'distribution' and field == 'covers' else 'symbol'} {code}"
                yield Lie("symbols", field, where, shown, setting(document, ("symbols", code, i, field), value))


def _false_fields(notation: Notation, code: str, entry: Document) -> Iterator[tuple[str, Any, str]]:
    role = ROLES[entry["role"]]
    computed = role.tensor is not None
    for other in ROLES.values():
        fits = other.kind == role.kind and other.net == role.net and bool(other.scales) == bool(role.scales)
        if fits and other.name != role.name and not _same(notation, role.name, other.name, entry):
            yield "role", other.name, other.name
            break
    else:
        other = next(r for r in ROLES.values() if r.kind != role.kind)
        yield "role", other.name, other.name
    yield from _false_axes(entry, role.name)
    if role.scales and computed:
        other_scale = next(s for s in role.scales if s != entry["scale"])
        yield "scale", other_scale, other_scale
    if computed:
        yield "sign", -entry["sign"], f"sign {-entry['sign']}" if entry["sign"] == 1 else "role"
    if computed and role.kind in ("term", "objective"):
        yield "constants_dropped", [*entry.get("constants_dropped", []), "+ J/2"], "+ J/2"
    yield from _false_covers(notation, entry)
    yield from false_when(notation, entry, computed or (role.kind == "weights" and "covers" in entry))
    yield from _false_tex(code, entry)


def _same(notation: Notation, one: str, other: str, entry: Document) -> bool:
    """Whether two roles are told apart by nothing that a notation of this kind has."""
    if {one, other} == {"data_count", "batch_size"} and "free" in notation.supports.words["posterior"]:
        return True  # the batch is the whole set
    pairs = ({"weighted_elbo", "elbo"}, {"weighted_elbo_monte_carlo", "elbo_monte_carlo"})
    return {one, other} in pairs or ({one, other} == {"generative_weights", "prior_weights"} and "covers" not in entry)


def _false_axes(entry: Document, role: str) -> Iterator[tuple[str, Any, str]]:
    axes = entry["axes"].split()
    if not axes:
        return
    if len(axes) > 1:
        symmetric = role == "posterior_matrix" and entry["scale"] in ("covariance", "precision_matrix")
        wrong = [p for p in permutations(axes) if list(p) != axes and not (symmetric and p[0] == "batch")]
        text = " ".join(wrong[0] if not symmetric else wrong[-1])
    else:
        text = OTHER_AXIS[axes[0]]
    yield "axes", text, text


def _false_covers(notation: Notation, entry: Document) -> Iterator[tuple[str, Any, str]]:
    for patterns in false_patterns(notation, entry.get("covers")):
        yield "covers", patterns, str(patterns)


def false_patterns(notation: Notation, patterns: list[str] | None) -> Iterator[list[str]]:
    """Sets with one weight too few, and with one too many."""
    if patterns is None:
        return
    names = sorted({n for probe in probes(notation, DATA_COUNT) for n in weight_shapes(probe.problem.spec)})
    inside = [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]
    outside = [name for name in names if name not in inside]
    if len(inside) > 1:
        yield inside[1:]
    if outside:
        yield [*patterns, outside[0]]


def _false_tex(code: str, entry: Document) -> Iterator[tuple[str, Any, str]]:
    own = code if "(" in code else code.rpartition(".")[2]
    for letter in letters_in(own)[:1]:
        if is_greek(letter):
            other = r"\\xi" if letter == "ζ" else r"\\zeta"
            text = re.sub(pattern_of(letter), other, entry["tex"])
        else:
            text = re.sub(rf"(?<![\\A-Za-z]){letter}|(?<=[{{]){letter}", "!", entry["tex"])
            if letter in re.sub(r"\\[A-Za-z]+", " ", text):
                text = text.replace(letter, "!")
        yield "tex", text, text
