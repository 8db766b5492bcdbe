r"""The TeX of an equation with the role of each symbol: \class{role-latent}{\mathbf{z}}.

The trees print as they always do. Only their leaves have other TeX: a private character before and after the symbol,
which no rule of printing knows. The characters become commands at the end, so that parentheses and powers stay as
they are without them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from ..notation import Notation
from ..roles import ROLES
from . import Equation
from .leaves import Leaf, Number
from .tex_letters import without_indices

_NAMES = tuple(ROLES)
_FIRST, _CLOSE = 0xE000, "\uf8ff"
_OPEN = re.compile(f"[{chr(_FIRST)}-{chr(_FIRST + len(_NAMES) - 1)}]")
_OF_TENSOR = {
    tensor: role.name
    for role in ROLES.values()
    for tensor in (role.tensor, *role.scales.values())
    if tensor is not None
}
_LETTERS = ("weights", "data", "latent", "noise")
"""The kinds of symbols whose letter is marked inside of another symbol: θ and z in p_θ(x|z)."""
_LETTER = re.compile(r"(?:\\?\w+|\\\w+\{\\?\w+\})(?:\^\{\w\})?")
_PRINTED = ("letters", "noise", "z", "draws")
"""The fields of trees that are TeX, and no tree: ∇'s subscript, what an expectation or an integral is over."""


def marked_latex(notation: Notation, equation: Equation) -> str:
    r"""The equation's TeX, each symbol in \class{role-…}{…} of its role.

    Args:
        notation: the notation of the equation.
        equation: one of `equations(notation)`.
    """
    letters = letters_of(notation)
    sides = tuple(_marked(side, letters) for side in equation.sides)
    return _commands(replace(equation, sides=sides, suffix=_inside(equation.suffix, letters)).latex)


def marked_symbol(role: str, tex: str) -> str:
    r"""The TeX of one symbol in \class{role-…}{…}."""
    return _commands(_open(role) + tex + _CLOSE)


def letters_of(notation: Notation) -> dict[str, str]:
    """TeX of a letter → the one role that it has in a notation; letters of two roles are left out."""
    found: dict[str, set[str]] = {}
    for symbol in notation.symbols:
        if symbol.kind in _LETTERS and _LETTER.fullmatch(tex := without_indices(symbol.tex)):
            found.setdefault(tex, set()).add(symbol.role)
    return {tex: roles.pop() for tex, roles in found.items() if len(roles) == 1}


def _marked(part: Any, letters: Mapping[str, str]) -> Any:
    """A tree with the TeX of its leaves marked."""
    if isinstance(part, Leaf):
        return part if isinstance(part, Number) else _marked_leaf(part, letters)
    if isinstance(part, tuple):
        return tuple(_marked(each, letters) for each in part)
    if is_dataclass(part) and not isinstance(part, type):
        own = {f.name: getattr(part, f.name) for f in fields(part)}
        texts = {name: _printed(value, letters) for name, value in own.items() if name in _PRINTED}
        trees = {name: _marked(value, letters) for name, value in own.items() if name not in _PRINTED}
        return replace(part, **trees, **texts)
    return part


def _marked_leaf(leaf: Leaf, letters: Mapping[str, str]) -> Leaf:
    role = _OF_TENSOR.get(leaf.role, leaf.role)
    sign, text = ("-", leaf.printed[1:]) if leaf.printed.startswith("-") else ("", leaf.printed)
    inside = _inside(text, {letter: other for letter, other in letters.items() if other != role})
    return replace(leaf, printed=sign + _open(role) + inside + _CLOSE)


def _printed(value: Any, letters: Mapping[str, str]) -> Any:
    return tuple(_inside(text, letters) for text in value) if isinstance(value, tuple) else _inside(value, letters)


def _inside(text: str, letters: Mapping[str, str]) -> str:
    """A formula with the letters marked that stand in it."""
    if not letters:
        return text
    names = "|".join(re.escape(letter) for letter in sorted(letters, key=len, reverse=True))
    pieces = re.split(r"(\\(?:mathtt|mathrm|text|operatorname)\{[^{}]*\})", text)
    pattern = rf"(?<![A-Za-z\\{{])(?:{names})(?![A-Za-z])|(?<=[_^({{]\{{)(?:{names})(?=\}})"
    return "".join(
        re.sub(pattern, lambda m: _open(letters[m[0]]) + m[0] + _CLOSE, piece) if i % 2 == 0 else piece
        for i, piece in enumerate(pieces)
    )


def _open(role: str) -> str:
    return chr(_FIRST + _NAMES.index(role))


def _commands(text: str) -> str:
    """Characters to commands."""
    opened = _OPEN.sub(lambda m: rf"\class{{role-{_NAMES[ord(m[0]) - _FIRST]}}}{{", text)
    return opened.replace(_CLOSE, "}")
