"""Figures, names and identifiers as text for readers: the filters of the templates."""

from __future__ import annotations

import math
import re

from markupsafe import Markup, escape

from ..notations.notation import Notation
from ..notations.overview import people

_LINK = re.compile(r"https://[^\s)]+")
_DATED = re.compile(r"_(\d{4})(?:_(.+))?$")
_ARXIV = re.compile(r"arXiv:(\S+)")


def number(value: float | None) -> str:
    """Three digits; empty for None and NaN."""
    return "" if value is None or math.isnan(value) else f"{value:.3g}"


def percent(share: float | None) -> str:
    """A share of a tolerance in two digits."""
    if share is None:
        return ""
    return f"{100 * share:.2g} %" if share < 10 else "more than 1,000 %"


def linked(text: str | None) -> Markup:
    """Text with its addresses as links; all else is escaped."""
    pieces = _LINK.split(text or "")
    links = [_link(address, address) for address in _LINK.findall(text or "")]
    return Markup("").join(part for pair in zip(map(escape, pieces), [*links, ""], strict=True) for part in pair)


def identifier(text: str) -> Markup:
    """The identifier of a source, an arXiv number or an address, as a link."""
    number_there = _ARXIV.fullmatch(text)
    return _link(f"https://arxiv.org/abs/{number_there[1]}", text) if number_there else linked(text)


def _link(address: str, text: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(address, text)


def words(name: str) -> str:
    """A name of code as words."""
    capitals = {"elbo": "ELBO", "kl": "KL", "vb": "VB"}
    return " ".join(capitals.get(word, word) for word in name.split("_"))


def breakable(name: str) -> Markup:
    """A name that may go on in the next line after each underscore."""
    return Markup("_<wbr>").join(name.split("_"))


def cited(notation: Notation) -> str:
    """A source by its authors and year: `Kingma & Welling 2013`; the year, and the words after it, are the id's."""
    name, dated = people(notation.source.authors), _DATED.search(notation.id)
    if dated is None:
        return f"{name} {notation.source.year}"
    return f"{name} {dated[1]}" + (f", {words(dated[2])}" if dated[2] else "")


FILTERS = {each.__name__: each for each in (number, percent, linked, identifier, words, breakable, people, cited)}
