"""Which names do `*args`, `**kwargs` and tuples get in a loss's body, as in `mu, logvar = posterior`?"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

_EMPTY = inspect.Parameter.empty


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
    packed = {p.name: parts for p in plain if len(parts := _positional(tree, p.name, whole=True)) > 1}
    if {name for parts in packed.values() for name in parts} & {p.name for p in plain}:
        packed = {}
    if not positional and not keyed and not packed:
        return function
    before = [p.name for p in plain if p.kind is not p.KEYWORD_ONLY]

    def named(**given: Any) -> Any:
        for name, parts in packed.items():
            given[name] = tuple(given.pop(part) for part in parts)
        first = [given.pop(name) for name in (*before, *positional) if name in given]
        return function(*first, **given)

    either = inspect.Parameter.POSITIONAL_OR_KEYWORD
    made = [
        inspect.Parameter(part, either) if p.name in packed else p.replace(kind=either)
        for p in plain
        if p.name in before
        for part in packed.get(p.name, [p.name])
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


def _positional(tree: ast.AST, rest: str, *, whole: bool = False) -> list[str]:
    """The names in `a, b = args` or `a = args[0]`, in order; if `whole`, in the first form only."""
    places: dict[int, str] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        [target], value = node.targets, node.value
        if _is(value, rest) and isinstance(target, ast.Tuple) and all(isinstance(e, ast.Name) for e in target.elts):
            return [entry.id for entry in target.elts if isinstance(entry, ast.Name)]
        if (
            not whole
            and isinstance(value, ast.Subscript)
            and _is(value.value, rest)
            and isinstance(value.slice, ast.Constant)
        ):
            place = value.slice.value
            if isinstance(place, int):
                places[place] = target.id if isinstance(target, ast.Name) else f"{rest}_{place}"
    return [places.get(place, f"{rest}_{place}") for place in range(max(places, default=-1) + 1)]


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
