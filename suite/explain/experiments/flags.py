"""Arguments that are flags or words: what else the source compares them with, and what the loss is then."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

MOST = 4
"""Other values that are tried."""


def others(source: str, parameters: Mapping[str, Any]) -> list[tuple[str, object]]:
    """Argument and another value: the opposite of a truth value, and the words that a word is compared with."""
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
    """The words in comparisons with a name."""
    found: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(node)):
            words = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant)]
            found |= {word: None for word in words if isinstance(word, str)}
    return list(found)
