"""A statement: a sentence with computed numbers, and whether they support it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Statement:
    """One conclusion.

    Attributes:
        topic: the part of the answer that it belongs to.
        subject: its subject in a few words.
        sentence: the conclusion with the numbers that show it.
        holds: whether they do.
        origin: where the numbers come from: `computed` just now, or the file of committed trainings.
    """

    topic: str
    subject: str
    sentence: str
    holds: bool
    origin: str = "computed"

    @property
    def verdict(self) -> str:
        return "holds" if self.holds else "fails"


def number(value: float) -> str:
    """Three digits for reading; an exact zero is printed as 0 and nothing else is."""
    return "0" if value == 0 else f"{value:.3g}"
