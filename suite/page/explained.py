"""The section of losses: public ones, rewritten, with the answers of `elbostone explain`."""

from __future__ import annotations

from importlib.resources import files as resources

import msgspec

TABLE = "explained.json"
"""A file of the assets, which `python tests/explain/public.py` writes; nothing is computed here."""


class Loss(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A public report's loss, explained.

    Attributes:
        source: the report's address below github.com.
        entry: the loss in examples/losses/public.py.
        about: the subject of the report.
        sentence, formula, beta, notes: fields of the answer.
        fault: whether the loss is wrong.
        change: the wrong line and its correction; None where no change of one line corrects the loss.
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
        """Its class in the style, shape and words. A note is no fault: the author may have meant it."""
        if self.fault:
            return "differs", "✖", "a fault"
        return ("excluded", "△", "no fault, with a note") if self.notes else ("equal", "✓", "no fault")

    @property
    def report(self) -> str:
        """The report's short name, e.g. `keras-team/keras#4538`."""
        return self.source.replace("/issues/", "#")


def section() -> list[Loss]:
    """The losses, in the table's order."""
    table = resources("elbostone.page") / "assets" / TABLE
    return msgspec.json.decode(table.read_bytes(), type=list[Loss])
