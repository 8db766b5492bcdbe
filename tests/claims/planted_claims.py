"""False claims: wrong values for every field of a notation.toml that is no prose, as edits of its longhand."""

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import permutations
from typing import Any

from claims.longhand import Document

from elbostone.claims.probes import probes
from elbostone.notations.axes import parse_axes
from elbostone.notations.letters import command_of, is_greek, letters_in
from elbostone.notations.notation import Notation
from elbostone.notations.roles import ROLES
from elbostone.reference.parsing import CONDITIONS
from elbostone.reference.tensors import BOUNDS
from elbostone.reference.weights import weight_axes, weight_shapes
from elbostone.workers.subject import DATA_COUNT

OTHER_AXIS = {"batch": "latent", "data": "latent", "latent": "batch", "out": "in", "datum": "latent"}


@dataclass(frozen=True)
class Lie:
    """One false claim.

    Attributes:
        table, field: where it is.
        where: how a violation names the entry.
        value: the false value, as a message has it.
        document: the document with it.
    """

    table: str
    field: str
    where: str
    value: str
    document: Document

    @property
    def name(self) -> str:
        return f"{self.where}: {self.field} = {self.value}"


def lies(notation: Notation, document: Document, framework: str) -> Iterator[Lie]:
    """Every planted error of a notation for the framework that runs."""
    for plant in (_symbols, _objective, _weights, _methods, _model, _layout, _names, _misprints):
        yield from plant(notation, document, framework)


def edited(document: Document, change: Callable[[Document], None]) -> Document:
    """A copy with one change."""
    changed = copy.deepcopy(document)
    change(changed)
    return changed


def setting(document: Document, path: tuple[Any, ...], value: Any) -> Document:
    """A copy in which the entry at a path has a value; None takes it away."""
    changed = copy.deepcopy(document)
    node = changed
    for step in path[:-1]:
        node = node[step] if not isinstance(node, dict) else node.setdefault(step, {})
    if value is None:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return changed


def _symbols(notation: Notation, document: Document, framework: str) -> Iterator[Lie]:
    computed = [symbol.code for symbol in notation.symbols if symbol.quantity]
    for code, entries in document["symbols"].items():
        kind = ROLES[entries[0]["role"]].kind
        others = [f"{code}q", *(c for c in computed if c != code and code in computed)][:2]
        for other in others if kind != "distribution" else ():
            yield Lie("symbols", "code", f"symbol {other}", other, _renamed(document, "symbols", code, other))
        for i, entry in enumerate(entries):
            for field, value, shown in _false_fields(notation, code, entry):
                where = f"{'claims' if kind == 'distribution' and field == 'covers' else 'symbol'} {code}"
                yield Lie("symbols", field, where, shown, setting(document, ("symbols", code, i, field), value))


def _renamed(document: Document, table: str, key: str, other: str) -> Document:
    """A copy in which the entries of one key stand under another, before those that are there."""

    def rename(changed: Document) -> None:
        entries = changed[table].pop(key)
        changed[table][other] = [*entries, *changed[table].get(other, [])]

    return edited(document, rename)


def _false_fields(notation: Notation, code: str, entry: Document) -> Iterator[tuple[str, Any, str]]:
    role = ROLES[entry["role"]]
    computed = role.tensor is not None
    for other in ROLES.values():
        fits = other.kind == role.kind and other.net == role.net and other.scaled == role.scaled
        if fits and other.name != role.name and not _same(notation, role.name, other.name, entry):
            yield "role", other.name, other.name
            break
    else:
        other = next(r for r in ROLES.values() if r.kind != role.kind)
        yield "role", other.name, other.name
    yield from _false_axes(entry, role.name)
    if role.scaled and computed:
        other_scale = next(s for s in role.scales if s != entry["scale"])
        yield "scale", other_scale, other_scale
    if computed:
        yield "sign", -entry["sign"], f"sign {-entry['sign']}" if entry["sign"] == 1 else "role"
    if computed and role.kind in ("term", "objective"):
        yield "constants_dropped", [*entry.get("constants_dropped", []), "+ J/2"], "+ J/2"
    yield from _false_covers(notation, entry)
    yield from _false_when(notation, entry, computed or (role.kind == "weights" and "covers" in entry))
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


def _false_when(notation: Notation, entry: Document, executed: bool) -> Iterator[tuple[str, Any, str]]:
    if not executed:
        return
    words = entry["when"].split()
    for choices in CONDITIONS.values():
        own = [word for word in words if word in choices]
        others = [word for word in choices if word not in words]
        if own and others:
            yield "when", " ".join([*(word for word in words if word not in own), others[0]]), others[0]
    if not words:
        for choices in notation.supports.words.values():
            if len(choices) > 1:
                yield "when", choices[0], choices[0]
                return


def _false_tex(code: str, entry: Document) -> Iterator[tuple[str, Any, str]]:
    own = code if "(" in code else code.rpartition(".")[2]
    for letter in letters_in(own)[:1]:
        if is_greek(letter):
            other = r"\\xi" if letter == "ζ" else r"\\zeta"
            text = re.sub(rf"\\(var)?{command_of(letter)}(?![A-Za-z])", other, entry["tex"])
        else:
            text = re.sub(rf"(?<![\\A-Za-z]){letter}|(?<=[{{]){letter}", "!", entry["tex"])
            if letter in re.sub(r"\\[A-Za-z]+", " ", text):
                text = text.replace(letter, "!")
        yield "tex", text, text


def _objective(notation: Notation, document: Document, framework: str) -> Iterator[Lie]:
    other = next(symbol.code for symbol in notation.symbols if symbol.role == "data")
    for field, value, shown in (("code", other, f"'{other}'"), *_false_reductions(document["objective"])):
        yield Lie("objective", field, "objective", shown, setting(document, ("objective", field), value))
    for method, table in document["other_objectives"].items():
        scale = None if "scale" in table else "2σ²"
        for field, value, shown in (*_false_reductions(table), ("scale", scale, "sum")):
            planted = setting(document, ("other_objectives", method, field), value)
            yield Lie("other_objectives", field, f"other_objectives {method}", shown, planted)


def _false_reductions(table: Document) -> Iterator[tuple[str, Any, str]]:
    yield "beta", 3, "beta 3"
    choices = {"sense": ("maximised", "minimised"), "data": ("sum", "mean", "N/M")}
    choices |= {"latents": ("sum", "mean"), "pixels": ("sum", "mean"), "bound": BOUNDS}
    for field, words in choices.items():
        yield from ((field, word, word) for word in words if word != table[field])
    yield "constants_dropped", [*table["constants_dropped"], "- J/2"], "- J/2"


def _weights(notation: Notation, document: Document, framework: str) -> Iterator[Lie]:
    rows = document["weights"]
    for canonical, entries in rows.items():
        other = next((name for name in rows if name != canonical), None)
        if other is not None:
            planted = _renamed(document, "weights", canonical, other)
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
    for _, value, shown in _false_when(notation, entry, bool(entry["when"])):
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


def _methods(notation: Notation, document: Document, framework: str) -> Iterator[Lie]:
    for field, value in document["methods"].items():
        if isinstance(value, str):
            planted = setting(document, ("methods", field), "nothing")
            yield Lie("methods", field, "methods", "nothing", planted)
        else:
            yield from _returns(notation, document, field, value)


def _returns(notation: Notation, document: Document, field: str, value: Any) -> Iterator[Lie]:
    names = {s.quantity for s in notation.symbols if s.quantity}
    entries = {(): value} if isinstance(value, list) else {(word,): listed for word, listed in value.items()}
    for path, listed in entries.items():
        wrong = next(sorted(names - {n})[0] for n in listed[:1])
        planted = setting(document, ("methods", field, *path), [wrong, *listed[1:]])
        table = f"methods.{field}" if path else "methods"
        yield Lie(table, path[0] if path else field, "methods", wrong, planted)


def _model(notation: Notation, document: Document, framework: str) -> Iterator[Lie]:
    model = document["model"]
    yield Lie("model", "class", "model", "Nothing", setting(document, ("model", "class"), "Nothing"))
    for argument, field in model["arguments"].items():
        other = "data_dim" if field != "data_dim" else "latent_dim"
        planted = setting(document, ("model", "arguments", argument), other)
        yield Lie("model.arguments", argument, "model", f"'{argument}': '{other}'", planted)
    for field, value in model.get("source", {}).items():
        wrong = _other_value(notation, field, value)
        planted = setting(document, ("model", "source", field), wrong)
        yield Lie("model.source", field, "model.source", str(wrong), planted)


def _other_value(notation: Notation, field: str, value: Any) -> Any:
    if field in CONDITIONS:
        carried = field in notation.arguments.values()
        words = [w for w in CONDITIONS[field] if w != value]
        return next(w for w in words if carried or w not in notation.supports.words[field])
    return [v + 1 for v in value] if isinstance(value, list) else value + 1


def _layout(notation: Notation, document: Document, framework: str) -> Iterator[Lie]:
    for field, value in document.get("layout", {}).items():
        if field == framework:
            turned = " ".join(value.split()[::-1])
            yield Lie("layout", field, "symbol", turned, setting(document, ("layout", field), turned))


def _names(notation: Notation, document: Document, framework: str) -> Iterator[Lie]:
    for name in document.get("names", {}):
        changed = edited(document, lambda d, gone=name: d["names"].update({f"{gone}_9": d["names"].pop(gone)}))
        yield Lie("names", name, "names", f"'{name}'", changed)


def _misprints(notation: Notation, document: Document, framework: str) -> Iterator[Lie]:
    for i, entry in enumerate(document["misprints"]):
        other = next(s.code for s in notation.symbols if s.role == "log_likelihood")
        false = {"printed": entry["meant"], "meant": entry["printed"], "symbol": other}
        for field, value in false.items():
            where = f"misprint {entry['eq']} of {value if field == 'symbol' else entry['symbol']}"
            yield Lie("misprints", field, where, value, setting(document, ("misprints", i, field), value))
        for field, value, shown in _false_when(notation, entry, bool(entry["when"])):
            where = f"misprint {entry['eq']} of {entry['symbol']}"
            yield Lie("misprints", field, where, shown, setting(document, ("misprints", i, field), value))


def supports(notation: Notation, document: Document) -> Iterator[Lie]:
    """Words that the source does not define; each needs a run of its own."""
    for condition, words in notation.supports.words.items():
        for word in CONDITIONS[condition]:
            if word not in words:
                planted = setting(document, ("supports", condition), [*words, word])
                yield Lie("supports", condition, "supports", word, planted)
    if notation.supports.depth is not None:
        depth = notation.supports.depth + 1
        yield Lie("supports", "depth", "supports", str(depth), setting(document, ("supports", "depth"), depth))
    if notation.supports.variances is not None:
        variances = [*notation.supports.variances, 3.3]
        yield Lie("supports", "variances", "supports", "3.3", setting(document, ("supports", "variances"), variances))
