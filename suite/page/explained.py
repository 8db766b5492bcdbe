"""The section of losses: public ones, written anew, as `elbostone explain` explained them."""

from __future__ import annotations

from importlib.resources import files as resources

import msgspec

TABLE = "explained.json"
"""Among the assets; `python tests/explain/public.py` makes it, and nothing is computed here."""


class Loss(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A public report's loss, explained.

    Attributes:
        source: the report's address below github.com.
        entry: the loss in examples/losses/public.py.
        about: what the report is about.
        sentence, formula, beta, notes: of the answer.
        fault: whether something is wrong with it.
        change: the line as it is and as it should be; None where no line was found that mends it.
    """

    source: str
    entry: str
    about: str
    sentence: str
    fault: bool
    formula: str
    beta: str | None
    notes: list[str]
    change: tuple[str, str] | None

    @property
    def mark(self) -> tuple[str, str, str]:
        """Its class in the style, shape and words: a note may be what the author meant, so it is no fault."""
        if self.fault:
            return "differs", "✖", "a fault"
        return ("excluded", "△", "no fault, with a note") if self.notes else ("equal", "✓", "no fault")

    @property
    def report(self) -> str:
        """`keras-team/keras#4538`."""
        return self.source.replace("/issues/", "#")


def section() -> list[Loss]:
    """The losses, in the table's order."""
    table = resources("elbostone.page") / "assets" / TABLE
    return msgspec.json.decode(table.read_bytes(), type=list[Loss])
