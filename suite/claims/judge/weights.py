"""Weights: the model's tensor at each path, mapped back by its row, equals the canonical weight that it was given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations, permutations

import numpy as np

from ...notations.axes import names_of, parse_axes
from ...notations.canonical import canonical as to_canonical
from ...notations.notation import Weight, matched
from ...notations.weight_maps import WeightMap
from ...reference.errors import BadInput
from ...reference.problem import Array
from ...reference.truth import truth_of
from ...reference.weights import weight_axes
from ..probes import Probe
from .evidence import DTYPE, Evidence, Violation

SCALES = (1.0, 0.5, 2.0, -1.0, -0.5, -2.0)
#: Letters that Python takes for others of their kind, as code spells them.
FOLDED = {"ϑ": "vartheta", "ϕ": "varphi", "ϵ": "varepsilon"}
FIELDS = ("canonical", "layer", "at", "path", "axes", "scale", "flip", "when")


def check_weights(evidence: Evidence) -> Iterator[Violation]:
    """Every row on every probe, in the framework that ran; then the published names, and rows that no probe uses."""
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
        rows = evidence.maps(probe.problem.spec)
        used |= {id(row.entry) for row in rows.values()}
        for row in rows.values():
            found = _held(probe, row, held)
            if found and row.entry.canonical not in named:
                named.add(row.entry.canonical)
                yield evidence.violation(f"weights '{row.entry.canonical}'", FIELDS, claim_of(row, evidence), found)
        rest = set(held) - {row.path for row in rows.values()}
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
    """Weights without a row, and rows whose axes differ from those of their weights: no model can be given these."""
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
        if sorted(names_of(parse_axes(own))) != sorted(names_of(parse_axes(axes))):
            said = f"{framework} axes '{own}'"
            yield evidence.violation(f"weights '{found[0].canonical}'", "axes", said, f"the axes of '{axes}'")


def claim_of(row: WeightMap, evidence: Evidence) -> str:
    """The claim of a row, in words."""
    framework = evidence.facts.framework
    place = row.entry.places[framework]
    parts = [f"{framework} path {place.path}", f"axes '{place.axes}'", f"published {row.entry.published}"]
    parts += [f"scale {row.entry.scale:g}"]
    parts += [f"flip {list(row.entry.flip)}"] if row.entry.flip else []
    parts += [f"when {dict(row.entry.when)}"] if row.entry.when else []
    return f"canonical {row.entry.canonical}, {', '.join(parts)}"


def _held(probe: Probe, row: WeightMap, held: Mapping[str, Array]) -> str | None:
    """The error of a row; None where the model has the weight that the row says."""
    if row.path not in held:
        return f"no weight at '{row.path}'; the model has {', '.join(held)}"
    expected = probe.problem.weights[row.canonical]
    back = _back(row, held[row.path])
    if back is None or back.shape != expected.shape:
        return f"a weight of shape {list(held[row.path].shape)} for the canonical {list(expected.shape)}"
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
    """The published name is the path of the weight in one of the frameworks, or the code of a symbol."""
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
    """The single changes of a row with which all quantities of the first probe would be right.

    A run takes its weights through the very table that is in question, so that a false row shows in what the model
    computes: this asks which row, read in another way, makes the model's own weights give its own quantities.
    """
    probe = next(iter(evidence.ran()), None)
    if probe is None:
        return
    held = evidence.facts.of(probe.name, "weight")
    try:
        rows = evidence.maps(probe.problem.spec)
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


def _readings(
    rows: Mapping[str, WeightMap], held: Mapping[str, Array]
) -> Iterator[tuple[WeightMap, str, str, dict[str, Array]]]:
    """Other ways to read one row: (row, field, value, canonical weights then)."""
    for canonical, row in rows.items():
        array = held[row.path]
        for scale in SCALES:
            if scale != row.scale:
                yield row, "scale", f"{scale:g}", {canonical: replace(row, scale=scale).to_canonical(array)}
        for axes in permutations(row.published_axes):
            other = _back(replace(row, published_axes=axes), array)
            if axes != row.published_axes and other is not None and other.shape == _back(row, array).shape:  # type: ignore[union-attr]
                yield row, "axes", f"'{' '.join(' '.join(a) for a in axes)}'", {canonical: other}
        for flip in _flips(row):
            yield row, "flip", str(list(flip)), {canonical: replace(row, flip=flip).to_canonical(array)}
    for (one, a), (two, b) in combinations(rows.items(), 2):
        if held[a.path].shape == held[b.path].shape:
            swapped = {one: a.to_canonical(held[b.path]), two: b.to_canonical(held[a.path])}
            yield a, "path", b.path, swapped


def _flips(row: WeightMap) -> Iterator[tuple[str, ...]]:
    images = tuple(name for axis in row.published_axes for name in axis if name in ("height", "width"))
    if images:
        yield () if row.flip else images
