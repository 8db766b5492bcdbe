"""Which counters of its own calls has a loss, as in `self.num_iter += 1`? Each counter becomes an argument."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any


def counted(function: Callable[..., Any], called: Any, source: str) -> Callable[..., Any]:
    """The loss with an argument for each counter: its value before the call, which leaves the object unchanged.

    Args:
        function: the loss, with named arguments.
        called: the user's method, or callable object.
        source: its source text; empty if there is none.
    """
    owner = getattr(called, "__self__", None if inspect.isroutine(called) else called)
    try:
        tree = ast.parse(textwrap.dedent(source))
        signature = inspect.signature(function)
    except (SyntaxError, ValueError, TypeError):
        return function
    steps = [
        name
        for name in _counters(tree)
        if type(getattr(owner, name, None)) in (int, float) and name not in signature.parameters
    ]
    if owner is None or not steps:
        return function
    own = vars(owner)

    def counting(*args: Any, **given: Any) -> Any:
        before = {name: own[name] for name in steps if name in own}
        for name in steps:
            setattr(owner, name, given.pop(name, getattr(owner, name)))
        try:
            return function(*args, **given)
        finally:
            for name in steps:
                if name in before:
                    setattr(owner, name, before[name])
                else:
                    delattr(owner, name)

    made = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    options = [p for p in signature.parameters.values() if p.kind is p.VAR_KEYWORD]
    made += [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=getattr(owner, name)) for name in steps]
    counting.__signature__ = signature.replace(parameters=made + options)  # type: ignore[attr-defined]
    counting.__doc__ = function.__doc__
    counting.__wrapped__ = function  # type: ignore[attr-defined]  # read by inspect.unwrap
    return counting


def _counters(tree: ast.AST) -> dict[str, None]:
    """The names of attributes of `self` that a constant is added to."""
    added = [node for node in ast.walk(tree) if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add)]
    targets = [node.target for node in added if isinstance(node.value, ast.Constant)]
    own = [
        t for t in targets if isinstance(t, ast.Attribute) and isinstance(t.value, ast.Name) and t.value.id == "self"
    ]
    return dict.fromkeys(target.attr for target in own)
