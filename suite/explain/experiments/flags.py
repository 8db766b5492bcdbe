"""Which other values may a flag or a word have? The other truth value, or a word that the source compares it with."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

MOST = 4
"""The largest number of other values."""


def others(source: str, parameters: Mapping[str, Any]) -> list[tuple[str, object]]:
    """Pairs of an argument and another value of it.

    Args:
        source: the source of the loss.
        parameters: argument that is no tensor → its value.
    """
    return list(_others(source, parameters))[:MOST]


def _others(source: str, parameters: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    try:
        tree = ast.parse(textwrap.dedent(source))
    except SyntaxError:
        return
    for name, value in parameters.items():
        if isinstance(value, bool):
            yield name, not value
        elif isinstance(value, str):
            yield from ((name, word) for word in _words(tree, name) if word != value)


def _words(tree: ast.AST, name: str) -> list[str]:
    """The string literals that a name is compared with."""
    found: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(node)):
            words = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant)]
            found |= {word: None for word in words if isinstance(word, str)}
    return list(found)
