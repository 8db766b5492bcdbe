"""The model: its class, its arguments, the source's own configuration, what is supported, and the sizes it names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from ...notations.canonical import sizes_by_role
from ...reference.errors import BadInput
from ...reference.parsing import CONDITIONS
from ..facts import Failure, as_json
from ..probes import Probe, words_of
from .evidence import Evidence, Violation, on


def check_failures(evidence: Evidence) -> Iterator[Violation]:
    """Report each part that could not run, once per field."""
    named = set()
    for failure in evidence.facts.failures:
        if failure.field not in named:
            named.add(failure.field)
            where, field, said = _failed(evidence, failure)
            probe = next((p for p in _probes(evidence) if p.name == failure.probe), None)
            found = f"{'no probe' if probe is None else on(probe)}: {failure.reason}"
            yield evidence.violation(where, field, said, found)


def _failed(evidence: Evidence, failure: Failure) -> tuple[str, str, str]:
    """The place of a claim that could not run, its field, and what it says."""
    notation = evidence.notation
    table, _, field = failure.field.partition(".")
    if table == "supports":
        word = next((f"'{p.word}'" for p in _probes(evidence) if p.name == failure.probe), "its words")
        return table, field or table, word
    if table == "methods":
        return table, field, f"'{getattr(notation.methods, field)}'"
    if table == "model":
        return table, field, notation.model_class if field == "class" else str(dict(notation.arguments))
    for row in notation.weights:  # the reason names the path, or the part of it that is not there
        place = row.places[evidence.facts.framework]
        steps = place.path.replace("{i}", "0").replace("{j}", "0").split(".")
        if ".".join(steps) in failure.reason or any(f"'{step}'" in failure.reason for step in steps):
            said = f"{evidence.facts.framework} path {place.path}, axes '{place.axes}'"
            said = f"{said}, arguments {dict(notation.arguments)}"
            return f"weights '{row.canonical}'", "path, axes, model.arguments", said
    return table, "path", "its rows"


def _probes(evidence: Evidence) -> list[Probe]:
    try:
        return list(evidence.probes)
    except BadInput:
        return []


def check_supports(evidence: Evidence) -> Iterator[Violation]:
    """Every word runs; and no entry stands for a word that is not there."""
    notation = evidence.notation
    failed = {failure.probe for failure in evidence.facts.failures}
    for condition, words in notation.supports.words.items():
        for word in words:
            try:
                words_of(notation, {condition: word})
            except BadInput as error:
                yield evidence.violation("supports", condition, f"'{word}'", str(error))
    for probe in _probes(evidence):
        if probe.field == "objective" or probe.name in failed or evidence.facts.of(probe.name, "quantity"):
            continue
        table, _, field = probe.field.partition(".")
        yield evidence.violation(table, field or table, f"'{probe.word}'", f"no run of {probe.name}")
    entries = [(f"symbol {s.code}", s.when) for s in notation.symbols]
    entries += [(f"weights '{w.canonical}'", w.when) for w in notation.weights]
    for where, when in entries:
        for condition, words in when.items():
            for word in words:
                if word not in notation.supports.words[condition]:
                    found = f"support for {condition} {', '.join(notation.supports.words[condition])}"
                    fields = ("when", f"supports.{condition}")
                    yield evidence.violation(where, fields, f"when {condition} '{word}'", found)
    if "other" in notation.supports.words["beta"] and notation.objective.beta != "beta":
        found = f"an objective whose beta is {notation.objective.beta}"
        yield evidence.violation("supports", ("beta", "objective.beta"), "'other'", found)
    for condition, words in notation.supports.words.items():
        carried = condition in notation.arguments.values() or len(words) == 1 or condition in CARRIED
        if not carried:
            found = "no argument of the model that carries it"
            yield evidence.violation("supports", (condition, "arguments"), list(words), found)


#: Conditions that a model derives from other arguments, the sizes of its layers.
CARRIED = ("latents", "beta")


def check_model(evidence: Evidence) -> Iterator[Violation]:
    """The class and arguments that a run used, and defaults that are the source's own configuration."""
    notation, facts = evidence.notation, evidence.facts
    if facts.model_class != notation.model_class:
        yield evidence.violation("model", "class", notation.model_class, f"a run of '{facts.model_class}'")
    for probe in evidence.ran():
        given = facts.arguments.get(probe.name, {})
        claimed = {name: as_json(value) for name, value in notation.model_arguments(probe.problem.spec).items()}
        if given != claimed:
            found = f"a model on {probe.name} that was built with {given}"
            yield evidence.violation("model", "arguments", dict(notation.arguments), found)
            break
    for field, value in notation.source_configuration.items():
        yield from _own(evidence, field, as_json(value))


def check_defaults(evidence: Evidence) -> Iterator[Violation]:
    """A method of the model has the same defaults in both files: with as few arguments, they are the same model."""
    name = evidence.notation.model_class
    found = {framework: _defaults(ast.parse(text), name) for framework, text in evidence.sources.items()}
    for method in sorted(set.intersection(*(set(methods) for methods in found.values()))):
        for argument in sorted(set.intersection(*(set(methods[method]) for methods in found.values()))):
            values = {framework: methods[method][argument] for framework, methods in found.items()}
            if len(set(values.values())) > 1:
                said = ", ".join(f"{value} in {framework}_vae.py" for framework, value in values.items())
                claimed = f"one default of '{argument}' of {method}"
                yield evidence.violation("model", ("class", "arguments"), claimed, said)


#: What the frameworks call the method that a model's call is.
CALL = {"forward": "call"}


def _defaults(tree: ast.Module, name: str) -> dict[str, dict[str, str]]:
    """Method of a class → argument → its default, as it is written."""
    body = next((node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name), [])
    methods: dict[str, dict[str, str]] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef):
            positional = node.args.args[len(node.args.args) - len(node.args.defaults) :]
            pairs = [*zip(positional, node.args.defaults, strict=True)]
            pairs += [(a, d) for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if d is not None]
            methods[CALL.get(node.name, node.name)] = {a.arg: ast.unparse(default) for a, default in pairs}
    return methods


def _own(evidence: Evidence, field: str, value: Any) -> Iterator[Violation]:
    """A field of the source's own configuration is the default of the argument for it, or a word that it supports."""
    notation = evidence.notation
    where, executed = "model.source", False
    for argument, name in notation.arguments.items():
        attribute, _, index = name.partition(".")
        if attribute != field or argument not in evidence.facts.defaults:
            continue
        executed = True
        own = value[int(index)] if index else value
        default = evidence.facts.defaults[argument]
        if default != own:
            yield evidence.violation(
                where, field, f"{value!r}", f"a model whose '{argument}' is {default!r} by default"
            )
    if field in CONDITIONS and value not in notation.supports.words[field]:
        executed = True
        yield evidence.violation(where, field, f"'{value}'", f"support for {', '.join(notation.supports.words[field])}")
    if field == "variance" and value in (notation.supports.variances or ()):
        return
    if not executed and field not in CONDITIONS:
        yield evidence.violation(where, field, f"{value!r}", "no argument of the model for it: nothing executes it")


def check_constants(evidence: Evidence) -> Iterator[Violation]:
    """Each size is a number of the run under this name: in the model's code or attributes, or an argument by name."""
    for symbol in (s for s in evidence.notation.symbols if s.kind == "constant"):
        seen: set[float] = set()
        right = False
        for probe in evidence.ran():
            count = probe.problem.spec.data_count or probe.data_count
            size = sizes_by_role(probe.problem, count).get(symbol.role)
            values = evidence.facts.numbers.get(probe.name, {}).get(symbol.code, [])
            if size is not None and values:
                seen |= set(map(float, values))
                right = size in values
                if not right:
                    break
        if not right:
            found = (
                f"{', '.join(f'{value:g}' for value in sorted(seen))}" if seen else "no number of this name in a run"
            )
            yield evidence.violation(f"symbol {symbol.code}", ("code", "role"), f"role {symbol.role}", found)
