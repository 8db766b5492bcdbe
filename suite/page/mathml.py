r"""TeX as MathML that browsers draw correctly.

Chromium knows no `mathvariant` but `normal`: bold, typewriter and double-struck letters are therefore written as the
letters that Unicode has for them, which the page's font contains. Nor does it break lines: a formula is one <math>
element for each line that it may have.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from html import unescape
from xml.etree import ElementTree

from latex2mathml import exceptions
from latex2mathml.converter import Converter

STYLES = {
    "bold": "BOLD",
    "italic": "ITALIC",
    "bold-italic": "BOLD ITALIC",
    "double-struck": "DOUBLE-STRUCK",
    "monospace": "MONOSPACE",
    "script": "SCRIPT",
    "fraktur": "FRAKTUR",
    "sans-serif": "SANS-SERIF",
}
"""Value of `mathvariant` → the style in the names of Mathematical Alphanumeric letters."""
_NAMED_OTHERWISE = {
    "ϑ": "THETA SYMBOL",
    "ϕ": "PHI SYMBOL",
    "ϵ": "EPSILON SYMBOL",
    "∇": "NABLA",
    "∂": "PARTIAL DIFFERENTIAL",
}
_MALFORMED = tuple(e for e in vars(exceptions).values() if isinstance(e, type) and issubclass(e, Exception))
_REFUSED = ("href", "id", "style")
"""Attributes that TeX can set, and that would affect the page."""
_FUNCTIONS = ("log", "ln", "det", "tr")
_OPENING = ("(", "[", "{")
_BREAKS = ("=", "≃", "≈", "+", "−", "-")
"""Signs before which a line may break, at the top level of a formula."""


@cache
def mathml(tex: str) -> str:
    r"""A formula as <math> elements, which may stand in several lines; the content of \class{name}{…} has the class.

    Raises:
        ValueError: the TeX is malformed, or the result holds a command that was not understood, or a style that
            browsers ignore.
    """
    try:
        root = Converter(xmlns="").convert_to_element(tex)
    except _MALFORMED as error:
        raise ValueError(f"{tex}: expected TeX; found {type(error).__name__}") from None
    for element in root.iter():
        element.text = unescape(element.text or "") or None  # the converter writes letters as entities
        element.attrib = {name: value for name, value in element.attrib.items() if name not in _REFUSED}
        _style(element)
        _space(element)
    pieces = [ElementTree.tostring(piece, encoding="unicode") for piece in _lines(root[0])]
    text = "<wbr>".join(pieces)
    left = [value for e in root.iter() if (value := e.get("mathvariant")) not in (None, "normal")]
    if "\\" in text or left:
        raise ValueError(f"{tex}: expected MathML without TeX commands; found {left or text}")
    return text


def _style(element: ElementTree.Element) -> None:
    style = element.get("mathvariant")
    if style in STYLES:
        del element.attrib["mathvariant"]
        element.text = "".join(styled(letter, style) for letter in element.text or "")


def _space(element: ElementTree.Element) -> None:
    """The space of TeX after a function's name and around ∼, and none below an accent."""
    if element.tag == "mover":
        element.set("accent", "true")
        return
    for place, child in reversed(list(enumerate(element))):
        if child.text == "~":
            child.tag, child.text = "mo", "∼"
        if child.text in _FUNCTIONS:
            child.tag = "mi"
            after = element[place + 1] if place + 1 < len(element) else None
            if after is not None and after.text not in _OPENING:
                element.insert(place + 1, _thin_space())
            if place and element[place - 1].tag == "mrow":
                element.insert(place, _thin_space())


def _thin_space() -> ElementTree.Element:
    return ElementTree.Element("mspace", width="0.167em")


def _lines(row: ElementTree.Element) -> list[ElementTree.Element]:
    """A row in pieces, each a <math> that begins with a sign of `_BREAKS` or after a wide space."""
    pieces: list[ElementTree.Element] = []
    for child in row:
        sign = child.tag == "mo" and child.text in _BREAKS
        after_sign = bool(pieces) and pieces[-1][-1].text in _BREAKS  # there a − is unary
        breaks = sign and bool(pieces) and not after_sign
        if not pieces or breaks or (child.tag == "mspace" and child.get("width") == "1em"):
            pieces.append(ElementTree.Element("math"))
        if sign:
            child.set("form", "infix" if breaks else "prefix")
        pieces[-1].append(child)
    return pieces


def styled(letter: str, style: str) -> str:
    """A letter in a style of `STYLES`; itself where Unicode has none."""
    name = unicodedata.name(letter, "")
    for alphabet in ("LATIN", "GREEK"):
        name = name.replace(f"{alphabet} CAPITAL LETTER", "CAPITAL").replace(f"{alphabet} SMALL LETTER", "SMALL")
    name = _NAMED_OTHERWISE.get(letter, name)
    for upright in dict.fromkeys((STYLES[style], STYLES[style].replace(" ITALIC", ""))):  # bold digits are upright
        for wanted in (f"MATHEMATICAL {upright} {name}", f"{upright} {name}"):
            try:
                return unicodedata.lookup(wanted)
            except KeyError:
                continue
    return letter
