"""The meaning of each source's subscripts: one line per notation, from its own claims."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass

from ...notations.notation import Claim, Notation

LETTERS = {
    "generative_weights": "the generative weights",
    "prior_weights": "the prior's weights",
    "inference_weights": "the inference weights",
    "all_weights": "the weights of both nets",
}
"""Role → words; the symbol of that role without axes stands for all of them."""


@dataclass(frozen=True)
class SourceLine:
    """One notation.

    Attributes:
        notation, source: its id, and authors with year.
        letters: which letter stands for which net's weights.
        covers: which weights each printed distribution's subscript covers.
        verified: how many of its claims hold.
        claims: how many there are.
    """

    notation: str
    source: str
    letters: str
    covers: str
    verified: int
    claims: int


def source_line(notation: Notation, verified: Container[str]) -> SourceLine:
    """A notation's line, with the printed distributions whose claims were executed and hold."""
    names = [name.split()[-1] for name in notation.source.authors]
    authors = " & ".join(names) if len(names) < 3 else f"{names[0]} et al."
    return SourceLine(
        notation.id,
        f"{authors} ({notation.source.year})",
        "; ".join(_letters(notation)) or "names no parameter",
        "; ".join(_covers(notation.claims)),
        sum(claim.distribution in verified for claim in notation.claims),
        len(notation.claims),
    )


def _letters(notation: Notation) -> Iterable[str]:
    for role, words in LETTERS.items():
        codes = [s.code for s in notation.symbols if s.role == role and not s.axes]
        if codes:
            yield f"{', '.join(codes)}: {words}"


def _covers(claims: Iterable[Claim]) -> Iterable[str]:
    """Distributions that cover the same weights, together, in the order in which the source's claims come."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for claim in claims:
        groups.setdefault(claim.weights, []).append(claim.distribution)
    for weights, distributions in groups.items():
        yield f"{', '.join(distributions)}: {' and '.join(_words(pattern) for pattern in weights) or 'no weight'}"


def _words(pattern: str) -> str:
    """`decoder.*` → the decoder's weights; a pattern of single weights stays as it is."""
    block, _, rest = pattern.partition(".")
    return f"the {block}'s weights" if rest == "*" else pattern
