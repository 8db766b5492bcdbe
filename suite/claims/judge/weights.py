"""Weights: the model's tensor at each path, mapped back by its row, equals the canonical weight that it was given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations, permutations

import numpy as np

from ...notations.axes import parse_axes
from ...notations.canonical import canonical as to_canonical
from ...notations.notation import Weight, matched
from ...notations.weight_maps import WeightMap
from ...reference.errors import BadInput
from ...reference.problem import Array
from ...reference.spec import Spec
from ...reference.truth import truth_of
from ...reference.weights import weight_axes
from ..probes import Probe
from .evidence import DTYPE, Evidence, Violation

SCALES = (1.0, 0.5, 2.0, -1.0, -0.5, -2.0)
#: Letters that Python takes for others of their kind, as code spells them.
FOLDED = {"ϑ": "vartheta", "ϕ": "varphi", "ϵ": "varepsilon"}
FIELDS = ("canonical", "layer", "at", "path", "axes", "scale", "flip", "when")


@dataclass(frozen=True)
class Row:
    """A row of the weights table as it stands for one canonical weight."""

    entry: Weight
    canonical: str
    place: WeightMap


def rows_of(evidence: Evidence, spec: Spec) -> dict[str, Row]:
    """The rows of a specification by canonical weight. Raises BadInput where the table does not fit."""
    rows = {}
    for canonical, place in evidence.maps(spec).items():
        found = evidence.notation.weight(canonical, spec)
        assert found is not None  # or there would be no map
        rows[canonical] = Row(found[0], canonical, place)
    return rows


def check_weights(evidence: Evidence) -> Iterator[Violation]:
    """Every row on every probe, in the framework that ran; then what rows are called, and that none is idle."""
    named: set[str] = set()
    used: set[int] = set()
    for probe in evidence.ran():
        held = evidence.facts.of(probe.name, "weight")
        if unfit := list(_unfit(evidence, probe)):
            for violation in unfit:
                if violation.where not in named:
                    named.add(violation.where)
                    yield violation
            continue
        rows = rows_of(evidence, probe.problem.spec)
        used |= {id(row.entry) for row in rows.values()}
        for row in rows.values():
            found = _held(probe, row, held)
            if found and row.entry.canonical not in named:
                named.add(row.entry.canonical)
                yield evidence.violation(f"weights '{row.entry.canonical}'", FIELDS, claim_of(row, evidence), found)
        rest = set(held) - {row.place.path for row in rows.values()}
        if rest and not named:
            named.add("rest")
            yield evidence.violation("weights", "path", "a row for every weight", f"no row for {sorted(rest)}")
    for entry in evidence.notation.weights:
        if id(entry) not in used:
            where, said = f"weights '{entry.canonical}'", f"canonical {entry.canonical}, when {dict(entry.when)}"
            idle = "no probe whose weights it matches: nothing executes it"
            yield evidence.violation(where, ("canonical", "when"), said, idle)
        yield from _called(evidence, entry)


def _unfit(evidence: Evidence, probe: Probe) -> Iterator[Violation]:
    """Weights that have no row, and rows that have other axes than their weights: what no model can be given."""
    notation, spec, framework = evidence.notation, probe.problem.spec, evidence.facts.framework
    for canonical, axes in weight_axes(spec).items():
        found = notation.weight(canonical, spec)
        if found is None:
            close = [w for w in notation.weights if matched(w, canonical)]
            where = f"weights '{close[0].canonical}'" if close else "weights"
            said = f"canonical {close[0].canonical}, when {dict(close[0].when)}" if close else "rows for every weight"
            yield evidence.violation(where, ("canonical", "when"), said, f"no row for '{canonical}' on {probe.name}")
            continue
        own = found[0].places[framework].axes
        if sorted(axes_names(own)) != sorted(axes_names(axes)):
            said = f"{framework} axes '{own}'"
            yield evidence.violation(f"weights '{found[0].canonical}'", "axes", said, f"the axes of '{axes}'")


def axes_names(text: str) -> list[str]:
    return [part for axis in parse_axes(text) for part in axis]


def claim_of(row: Row, evidence: Evidence) -> str:
    """The claim of a row, in words."""
    framework = evidence.facts.framework
    place = row.entry.places[framework]
    parts = [f"{framework} path {place.path}", f"axes '{place.axes}'", f"published {row.entry.published}"]
    parts += [f"scale {row.entry.scale:g}"]
    parts += [f"flip {list(row.entry.flip)}"] if row.entry.flip else []
    parts += [f"when {dict(row.entry.when)}"] if row.entry.when else []
    return f"canonical {row.entry.canonical}, {', '.join(parts)}"


def _held(probe: Probe, row: Row, held: Mapping[str, Array]) -> str | None:
    """The error of a row; None where the model has the weight that the row says."""
    if row.place.path not in held:
        return f"no weight at '{row.place.path}'; the model has {', '.join(held)}"
    expected = probe.problem.weights[row.canonical]
    back = _back(row.place, held[row.place.path])
    if back is None or back.shape != expected.shape:
        return f"a weight of shape {list(held[row.place.path].shape)} for the canonical {list(expected.shape)}"
    # One multiplication there and one division back: two roundings at most.
    if np.allclose(back, expected, rtol=2**-51, atol=0):
        return None
    index = tuple(int(i) for i in np.unravel_index(np.argmax(np.abs(back - expected)), expected.shape))
    return f"{back[index]:.17g} at {list(index)}, where the canonical weight has {expected[index]:.17g}"


def _back(place: WeightMap, array: Array) -> Array | None:
    try:
        return place.to_canonical(array.astype(np.float64))
    except ValueError:
        return None


def _called(evidence: Evidence, entry: Weight) -> Iterator[Violation]:
    """The published name is where one of the frameworks keeps the weight, or the code of a symbol of its own."""
    notation = evidence.notation
    places = {place.path for place in entry.places.values()}
    spelled = entry.published
    for letter, name in FOLDED.items():
        spelled = spelled.replace(letter, name)
    if spelled in places or entry.published in {s.code for s in notation.symbols if s.kind == "weights"}:
        return
    found = f"neither a path of the row ({', '.join(sorted(places))}) nor a symbol"
    yield evidence.violation(f"weights '{entry.canonical}'", "published", f"published {entry.published}", found)


def explain(evidence: Evidence) -> Iterator[Violation]:
    """The single change of a row with which the first probe's quantities would all be right.

    A run takes its weights through the very table that is in question, so that a false row shows in what the model
    computes: this asks which row, read in another way, makes the model's own weights give its own quantities.
    """
    probe = next(iter(evidence.ran()), None)
    if probe is None:
        return
    held = evidence.facts.of(probe.name, "weight")
    try:
        rows = rows_of(evidence, probe.problem.spec)
    except BadInput:
        return
    for row, field, value, weights in _readings(rows, held):
        problem = replace(probe.problem, name=f"{probe.name}-read", weights={**probe.problem.weights, **weights})
        truth = truth_of(problem, DTYPE, gradients=False, bound=evidence.notation.objective.bound)
        if _agrees(evidence, replace(probe, problem=problem), truth.tensors, truth.tolerances):
            found = f"a model that computes with {field} {value}"
            yield evidence.violation(f"weights '{row.entry.canonical}'", field, claim_of(row, evidence), found)


def _agrees(evidence: Evidence, probe: Probe, tensors: Mapping[str, Array], tolerances: Mapping[str, float]) -> bool:
    raw = evidence.facts.of(probe.name.removesuffix("-read"), "quantity")
    for symbol in evidence.notation.computed(probe.problem.spec):
        tensor, quantity = str(symbol.tensor), str(symbol.quantity)
        if tensor not in tensors or quantity not in raw:
            return False
        spec, framework = probe.problem.spec, evidence.facts.framework
        try:
            found = to_canonical(evidence.notation, framework, spec, symbol, raw[quantity])
        except ValueError:
            return False
        expected = tensors[tensor]
        if found.shape != expected.shape or not (np.abs(found - expected) <= tolerances[tensor]).all():
            return False
    return True


def _readings(rows: Mapping[str, Row], held: Mapping[str, Array]) -> Iterator[tuple[Row, str, str, dict[str, Array]]]:
    """Other ways to read one row: (row, field, value, canonical weights then)."""
    for canonical, row in rows.items():
        place, array = row.place, held[row.place.path]
        for scale in SCALES:
            if scale != place.scale:
                yield row, "scale", f"{scale:g}", {canonical: replace(place, scale=scale).to_canonical(array)}
        for axes in permutations(place.published_axes):
            other = _back(replace(place, published_axes=axes), array)
            if axes != place.published_axes and other is not None and other.shape == _back(place, array).shape:  # type: ignore[union-attr]
                yield row, "axes", f"'{' '.join(' '.join(a) for a in axes)}'", {canonical: other}
        for flip in _flips(place):
            yield row, "flip", str(list(flip)), {canonical: replace(place, flip=flip).to_canonical(array)}
    for (one, a), (two, b) in combinations(rows.items(), 2):
        if held[a.place.path].shape == held[b.place.path].shape:
            swapped = {one: a.place.to_canonical(held[b.place.path]), two: b.place.to_canonical(held[a.place.path])}
            yield a, "path", b.place.path, swapped


def _flips(place: WeightMap) -> Iterator[tuple[str, ...]]:
    images = tuple(name for axis in place.published_axes for name in axis if name in ("height", "width"))
    if images:
        yield () if place.flip else images
