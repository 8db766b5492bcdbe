r"""The TeX of a symbol, taken apart: how tightly it binds, its powers, and indices of data, draws and components."""

from __future__ import annotations

import re

from ..plain_tex import plain

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|.", re.DOTALL)
_OPEN, _CLOSE = ("{", "[", "(", r"\{", r"\lbrace"), ("}", "]", ")", r"\}", r"\rbrace")
#: An index of data or draws, or the mark of a draw, after a letter.
_INDEX = re.compile(r"\^\{\([a-z](,[a-z])?\)\}|_\{?[in]\}?(?![A-Za-z\\])|\^\{?\*\}?|_\{x_i\}|\^\{\d+\([a-z]\)\}")
_WORDS = re.compile(r"(?<![A-Za-z\\{])(ELBO|Pr|KL)(?![A-Za-z])")


def tokens(tex: str) -> list[str]:
    """Commands, escaped characters and characters."""
    return _TOKEN.findall(tex)


def top_level(tex: str) -> list[str]:
    """The tokens outside of all brackets; what is inside them is one empty token."""
    depth, found = 0, []
    for token in tokens(tex):
        if token in _OPEN:
            depth += 1
        if depth == 0:
            found.append(token)
        elif depth == 1 and token in _OPEN:
            found.append("")
        if token in _CLOSE:
            depth -= 1
    return found


def level_of(tex: str) -> int:
    """0 for a sum, 1 for a product or an operator before its argument, 2 for a symbol, as in `expressions`."""
    outside = top_level(tex)
    if any(token in ("+", "-") for token in outside):
        return 0
    if outside and outside[0] in (r"\log", r"\ln", r"\sum", r"\frac", r"\int"):
        return 1
    return 2


def upright(tex: str) -> str:
    """Words in upright letters: ELBO is no product of four variables, nor KL one of two."""
    tex = _WORDS.sub(r"\\mathrm{\1}", tex)
    return tex.replace("_{KL}", r"_{\mathrm{KL}}")


def powered(tex: str, exponent: str) -> str:
    """A symbol to a power: in parentheses where it has a superscript already."""
    exponent = exponent if len(exponent) == 1 or exponent.startswith("{") else f"{{{exponent}}}"
    outside = top_level(tex)
    return f"({tex})^{exponent}" if "^" in outside else f"{tex}^{exponent}"


def without_indices(tex: str) -> str:
    """TeX without the indices of data and draws: \\mathbf{z}^{(i,l)} → \\mathbf{z}, \\sigma^{2(i)} → \\sigma^2."""
    if (inner := re.fullmatch(r"\\(?:wide)?tilde\{(.*)\}", tex)) and plain(inner[1]).islower():
        return inner[1]
    tex = re.sub(r"\^\{(\d+)\([a-z]\)\}", r"^\1", tex)
    return _INDEX.sub("", tex)


def index_of(tex: str) -> str:
    """The index of data on a letter, as it is printed, or nothing: `^{(i)}`, `_n`."""
    found = re.search(r"\^\{\([a-z]\)\}|_\{?[in]\}?", tex)
    return found[0] if found else ""


def index_letter(index: str) -> str:
    """The letter of an index."""
    return re.sub(r"[^a-z]", "", index)


def replaced(tex: str, letter: str, by: str) -> str:
    """A bare letter of a formula in another form, wherever it stands alone; code and words stay."""
    if r"\mathtt" in letter:
        return tex.replace(letter, by)
    pieces = re.split(r"(\\(?:mathtt|mathrm|text|operatorname|widetilde|tilde)\{[^{}]*\})", tex)
    # An index that stands there already stays.
    pattern = re.escape(letter) + r"(?![A-Za-z]|\^\{\(|_\{?[in]\}?(?![A-Za-z])|\^\{?\*|\})"
    before = r"(?<![A-Za-z\\])" if not letter.startswith("\\") else ""
    return "".join(
        re.sub(before + pattern, lambda _: by, piece) if i % 2 == 0 else piece for i, piece in enumerate(pieces)
    )


def component(tex: str, index: str) -> str:
    """The component of a vector: \\sigma^2 → \\sigma_j^2, \\mu_{\\mathbf{z}} → \\mu_{\\mathbf{z},j}, f(z) → f(z)_j.

    The letter of a component is not bold: \\mathbf{x} → x_i.
    """
    if re.search(rf"_\{{?{index}\}}?(?![A-Za-z])", tex):
        return tex
    if prefix := re.match(r"\\(?:log|ln) ", tex):
        return prefix[0] + component(tex[prefix.end() :], index)
    if power := re.fullmatch(r"(.*?)(\^(?:\d|\{[^{}]*\}))", tex):
        return component(power[1], index) + power[2]
    subscript = re.fullmatch(r"([^(\[]*)_(?:\{(.*)\}|(\w))", tex)
    if subscript is not None and level_of(tex) == 2:
        return f"{_light(subscript[1])}_{{{subscript[2] or subscript[3]},{index}}}"
    return f"{_light(tex)}_{index}" if level_of(tex) == 2 else f"({tex})_{index}"


def _light(letter: str) -> str:
    """A letter that is not bold."""
    bold = re.fullmatch(r"\\(?:mathbf|boldsymbol)\{(\w|\\[A-Za-z]+)\}", letter)
    return bold[1] if bold is not None else letter


def numbered(tex: str, index: str) -> str:
    """A quantity of one datum: after its name, before its arguments."""
    head = re.match(r"(\\[A-Za-z]+\{(?:[^{}]|\{[^{}]*\})*\}|\\?[A-Za-z]+)(.*)", tex, re.DOTALL)
    if head is None or level_of(tex) != 2:
        return f"({tex})_{index}"
    name, rest = head.groups()
    if subscript := re.match(r"_\{(.*?)\}(?=[\[(]|$)(.*)", rest, re.DOTALL):
        return f"{name}_{{{subscript[1]},{index}}}{subscript[2]}"
    return f"{name}_{index}{rest}"


def is_matrix(tex: str) -> bool:
    """Whether a letter is a matrix: as in linear algebra, where it is a capital."""
    text = plain(tex.removeprefix(r"\log ").removeprefix(r"\ln "))
    return "mathtt" not in tex and "operatorname" not in tex and "mathbb" not in tex and text[:1].isupper()
