"""False claims: wrong values for every field of a notation.toml that is no prose, as edits of its longhand."""

from collections.abc import Iterator
from typing import Any

from claims.false_claim import Lie, edited, false_when, setting
from claims.longhand import Document
from claims.planted_symbols import symbols
from claims.planted_weights import weights

from elbostone.notations.notation import Notation
from elbostone.reference.parsing import CONDITIONS
from elbostone.reference.tensors import BOUNDS


def lies(notation: Notation, document: Document, framework: str) -> Iterator[Lie]:
    """Every planted error of a notation for the framework that runs."""
    for plant in (symbols, _objective, weights, _methods, _model, _layout, _names, _misprints):
        yield from plant(notation, document, framework)


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
        for field, value, shown in false_when(notation, entry, bool(entry["when"])):
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
