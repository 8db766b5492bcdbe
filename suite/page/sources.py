"""Source files as highlighted HTML, with the role of each symbol's name as a class."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pygments import highlight
from pygments.filter import Filter
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from pygments.token import Name, Punctuation, Text

from ..notations.notation import Notation

_ROLE = "Role-"
STYLES = {"light": "friendly", "dark": "github-dark"}


class _Roles(Filter):
    """A filter that gives the names of symbols in a program separate types of token."""

    def __init__(self, roles: Mapping[str, str]) -> None:
        super().__init__()
        self.roles = roles

    def filter(self, lexer: Any, stream: Any) -> Iterator[tuple[Any, str]]:
        for kind, text in stream:
            role = self.roles.get(text) if kind in Name and kind is not Name.Builtin.Pseudo else None
            plain = kind in (Name, Punctuation, Text.Whitespace)  # they look like the text around them
            yield (getattr(Name, _ROLE + role) if role else Text if plain else kind), text


def code_roles(notation: Notation) -> dict[str, str]:
    """Name in the implementation's files → the role of the symbol that it is, or its roles joined by `+`."""
    found: dict[str, set[str]] = {}
    for symbol in notation.symbols:
        found.setdefault(symbol.code.rpartition(".")[2], set()).add(symbol.role)
    return {name: "+".join(sorted(roles)) for name, roles in found.items()}


def highlighted(text: str, roles: Mapping[str, str]) -> str:
    """Python as HTML: <pre> with classes of Pygments, and `role-…` on names of symbols."""
    lexer = PythonLexer()
    lexer.add_filter(_Roles(roles))
    html: str = highlight(text, lexer, HtmlFormatter(nowrap=True))
    return re.sub(rf'class="(\w+) \w+-{_ROLE}([\w+]+)"', _classes, html)


def _classes(match: re.Match[str]) -> str:
    roles = " ".join(f"role-{role}" for role in match[2].split("+"))
    return f'class="{match[1]} {roles}"'


@cache
def style_sheet() -> str:
    """CSS of the tokens, light and dark."""
    light, dark = (_tokens(style) for style in STYLES.values())
    return f"{light}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}"


def _tokens(style: str) -> str:
    defined: str = HtmlFormatter(style=style).get_style_defs(".code")  # type: ignore[no-untyped-call]
    return "\n".join(line for line in defined.splitlines() if line.startswith(".code ."))
