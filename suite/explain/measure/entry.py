"""How is the expression of an entry taken apart? Its constructor's arguments are read and replaced."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from typing import Any


class Swap(ast.NodeTransformer):
    """Replaces the owner's expression by a name that stands for the owner."""

    def __init__(self, owner: ast.expr):
        self.text = ast.unparse(owner)

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.expr) and ast.unparse(node) == self.text:
            return ast.Name("__owner__", ast.Load())
        return self.generic_visit(node)


def mentions(node: ast.AST, names: set[str]) -> bool:
    return any(isinstance(one, ast.Name) and one.id in names for one in ast.walk(node))


def with_arguments(owner: ast.expr, arguments: Mapping[str, int]) -> ast.expr:
    """The constructor's call with changed arguments."""
    if not arguments or not isinstance(owner, ast.Call):
        return owner
    kept = [keyword for keyword in owner.keywords if keyword.arg not in arguments]
    new = [ast.keyword(arg=name, value=ast.Constant(value)) for name, value in arguments.items()]
    return ast.fix_missing_locations(ast.Call(owner.func, owner.args, [*kept, *new]))


def integers(owner: ast.expr, namespace: dict[str, Any]) -> dict[str, int]:
    """Argument that is an integer → its value, of the call that builds the owner; positional arguments are left out."""
    if not isinstance(owner, ast.Call):
        return {}
    function = eval(compile(ast.Expression(owner.func), "entry", "eval"), namespace)
    try:
        signature = inspect.signature(function)
        bound = signature.bind(
            *(eval(compile(ast.Expression(a), "entry", "eval"), namespace) for a in owner.args),
            **{
                k.arg: eval(compile(ast.Expression(k.value), "entry", "eval"), namespace)
                for k in owner.keywords
                if k.arg
            },
        )
    except (TypeError, ValueError):
        return {}
    bound.apply_defaults()
    positional = set(list(signature.parameters)[: len(owner.args)])
    return {
        name: value
        for name, value in bound.arguments.items()
        if isinstance(value, int) and not isinstance(value, bool) and name not in positional
    }
