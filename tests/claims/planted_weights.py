"""False claims of weights: each row under another name, path, scale, order of axes, or condition."""

import re
from collections.abc import Iterator
from typing import Any

from claims.false_claim import OTHER_AXIS, Lie, false_when, renamed, setting
from claims.longhand import Document

from elbostone.claims.probes import probes
from elbostone.notations.axes import parse_axes
from elbostone.notations.notation import Notation
from elbostone.reference.parsing import CONDITIONS
from elbostone.reference.weights import weight_axes, weight_shapes
from elbostone.workers.subject import DATA_COUNT


def weights(notation: Notation, document: Document, framework: str) -> Iterator[Lie]:
    rows = document["weights"]
    for canonical, entries in rows.items():
        other = next((name for name in rows if name != canonical), None)
        if other is not None:
            planted = renamed(document, "weights", canonical, other)
            yield Lie("weights", "canonical", f"weights '{other}'", other, planted)
        for i, entry in enumerate(entries):
            for path, value, shown in _false_places(notation, canonical, entry, i, framework):
                planted = setting(document, ("weights", canonical, i, *path), value)
                yield Lie(".".join(("weights", *path[:-1])), path[-1], f"weights '{canonical}'", shown, planted)


def _false_places(
    notation: Notation, canonical: str, entry: Document, number: int, framework: str
) -> Iterator[tuple[tuple[str, ...], Any, str]]:
    yield ("published",), f"{entry['published']}_9", f"{entry['published']}_9"
    yield (framework, "path"), f"{entry[framework]['path']}_9", "_9"
    yield ("scale",), entry["scale"] * 2, f"scale {entry['scale'] * 2:g}"
    axes = re.findall(r"\([^)]*\)|\w+", entry[framework]["axes"])
    turned = " ".join(axes[::-1]) if len(axes) > 1 else OTHER_AXIS.get(axes[0], "in")
    yield (framework, "axes"), turned, turned
    names = [name for name in axes if not name.startswith("(")]
    if names and not entry["flip"] and _size(notation, canonical, names[0]) > 1:
        yield ("flip",), [names[0]], f"flip ['{names[0]}']"
    if entry["flip"]:
        yield ("flip",), entry["flip"][1:], f"canonical {canonical}"
    for _, value, shown in false_when(notation, entry, bool(entry["when"])):
        yield ("when",), value, shown
    for value, shown in _narrowed(notation, canonical, entry, number):
        yield ("when",), value, shown


def _narrowed(notation: Notation, canonical: str, entry: Document, number: int) -> Iterator[tuple[Any, str]]:
    """A row that holds always, under one word of a condition with another word of which a probe uses it."""
    row = [row for row in notation.weights if row.canonical == canonical][number]
    specs = [probe.problem.spec for probe in probes(notation, DATA_COUNT) if probe.field != "objective"]
    using = [s for s in specs if any((w := notation.weight(n, s)) and w[0] is row for n in weight_shapes(s))]
    for condition in () if entry["when"] else CONDITIONS:
        words = sorted({spec.word(condition) for spec in using})
        if len(words) > 1:
            yield words[0], words[0]
            return


def _size(notation: Notation, canonical: str, axis: str) -> int:
    """The length of a weight's axis in the smallest probe: one entry is the same forwards and backwards."""
    name = canonical.replace("{i}", "0").replace("{j}", "0")
    sizes = []
    for spec in (probe.problem.spec for probe in probes(notation, DATA_COUNT)):
        axes = parse_axes(weight_axes(spec).get(name, "none"))
        if (axis,) in axes:
            sizes.append(weight_shapes(spec)[name][axes.index((axis,))])
    return min(sizes, default=1)
