"""Which names do `*args`, `**kwargs`, tuples and records get in a loss's body, as in `mu, logvar = posterior`?

A record is an argument that the body reads only as `outputs["mu"]`, `outputs.mu` or `outputs[1]`.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

_EMPTY = inspect.Parameter.empty
_OF_TENSORS = frozenset(("shape", "ndim", "size", "dtype", "device", "data", "grad", "real", "imag", "T", "mT", "at"))
"""Attributes of tensors that are no methods; an argument that is read by these is no record."""


class _Record(dict[str, Any]):
    """A record whose entries are read by key or by attribute."""

    __getattr__ = dict.__getitem__


def spelled(function: Callable[..., Any], source: str) -> Callable[..., Any]:
    """The loss with named arguments in place of `*args`, `**kwargs` and tuples; unchanged if it has none of these.

    Args:
        function: the user's loss.
        source: its source text; empty if there is none.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
        tree = ast.parse(textwrap.dedent(source))
    except (SyntaxError, ValueError, TypeError):
        return function
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
    options = next((p.name for p in parameters if p.kind is p.VAR_KEYWORD), None)
    positional = _positional(tree, rest) if rest else []
    keyed = _keyed(tree, options) if options else {}
    plain = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    before = [p.name for p in plain if p.kind is not p.KEYWORD_ONLY]
    packed = {p.name: parts for p in plain if len(parts := _parts(tree, p.name)) > 1}
    needed = [p.name for p in plain if p.name in before and p.default is _EMPTY]
    records = {name: keys for name in needed if (keys := _keys(tree, name))}
    if _repeat(packed, records, plain):
        records = {}
    if _repeat(packed, {}, plain):
        packed = {}
    if not positional and not keyed and not packed and not records:
        return function

    def named(**given: Any) -> Any:
        for name, parts in packed.items():
            given[name] = tuple(given.pop(part) for part in parts)
        for name, keys in records.items():
            given[name] = _Record((key, given.pop(key)) for key in keys)
        first = [given.pop(name) for name in (*before, *positional) if name in given]
        return function(*first, **given)

    either = inspect.Parameter.POSITIONAL_OR_KEYWORD
    made = [
        p.replace(kind=either) if part == p.name else inspect.Parameter(part, either)
        for p in plain
        if p.name in before
        for part in packed.get(p.name) or records.get(p.name) or [p.name]
    ]
    made += [inspect.Parameter(name, either) for name in positional]
    made += [p for p in plain if p.name not in before]
    made += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
        for name, default in keyed.items()
        if name not in {p.name for p in made}
    ]
    named.__signature__ = inspect.Signature(made)  # type: ignore[attr-defined]  # read by inspect.signature
    named.__doc__ = function.__doc__
    named.__wrapped__ = function  # type: ignore[attr-defined]  # read by inspect.unwrap
    return named


def _repeat(packed: dict[str, list[str]], records: dict[str, list[str]], plain: list[inspect.Parameter]) -> bool:
    """Whether two arguments would have the same name."""
    parts = [name for several in (*packed.values(), *records.values()) for name in several]
    return len({*parts, *(p.name for p in plain)}) < len(parts) + len(plain)


def _positional(tree: ast.AST, rest: str, *, whole: bool = False) -> list[str]:
    """The names in `a, b = args` or `a = args[0]`, in order; if `whole`, in the first form only."""
    places: dict[int, str] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        [target], value = node.targets, node.value
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            pairs = [*zip(target.elts, value.elts, strict=True)]
        else:
            pairs = [(target, value)]
        if _is(value, rest) and isinstance(target, ast.Tuple) and all(isinstance(e, ast.Name) for e in target.elts):
            return [entry.id for entry in target.elts if isinstance(entry, ast.Name)]
        for one, read in pairs if not whole else ():
            if isinstance(read, ast.Subscript) and _is(read.value, rest) and isinstance(read.slice, ast.Constant):
                place = read.slice.value
                if isinstance(place, int):
                    places[place] = one.id if isinstance(one, ast.Name) else f"{rest}_{place}"
    return [places.get(place, f"{rest}_{place}") for place in range(max(places, default=-1) + 1)]


def _parts(tree: ast.AST, name: str) -> list[str]:
    """The names of a tuple's entries, if it is unpacked, or read as `mu = outputs[1]` only; else empty."""
    unpacked = _positional(tree, name, whole=True)
    if unpacked:
        return unpacked
    uses = _uses(tree, name)
    entries = [u.slice.value for u in uses if isinstance(u, ast.Subscript) and isinstance(u.slice, ast.Constant)]
    places = {place for place in entries if isinstance(place, int)}
    return _positional(tree, name) if len(entries) == len(uses) and len(places) > 1 and min(places) == 0 else []


def _keys(tree: ast.AST, name: str) -> list[str]:
    """The keys or attributes by which alone an argument is read; empty for a tensor."""
    keys: dict[str, None] = {}
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for use in _uses(tree, name):
        key: object = None
        if isinstance(use, ast.Attribute) and id(use) not in called and use.attr not in _OF_TENSORS:
            key = use.attr
        elif isinstance(use, ast.Subscript) and isinstance(use.slice, ast.Constant):
            key = use.slice.value
        if not isinstance(key, str):
            return []
        keys[key] = None
    return [*keys] if all(key.isidentifier() for key in keys) else []


def _uses(tree: ast.AST, name: str) -> list[ast.AST]:
    """The nodes that read a name: the subscript or attribute of it, else the name itself."""
    around = {id(n.value): n for n in ast.walk(tree) if isinstance(n, ast.Attribute | ast.Subscript)}
    return [around.get(id(node), node) for node in ast.walk(tree) if _is(node, name)]


def _keyed(tree: ast.AST, options: str) -> dict[str, Any]:
    """Key → default, of `kwargs["key"]` and `kwargs.get("key", default)`."""
    found: dict[str, Any] = {}
    for node in ast.walk(tree):
        key: ast.expr | None = None
        default: Any = None
        if isinstance(node, ast.Subscript) and _is(node.value, options):
            key, default = node.slice, _EMPTY
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("get", "pop")
            and _is(node.func.value, options)
            and node.args
        ):
            key = node.args[0]
            default = node.args[1].value if len(node.args) > 1 and isinstance(node.args[1], ast.Constant) else None
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            found[key.value] = default
    return found


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
