"""Text from a worker that others print and store: it comes from an implementation, and may contain anything."""

from __future__ import annotations

from ..reference.files import printable

LINE_MOST, TEXT_MOST = 500, 4000
"""Characters of a reason, and of a traceback or of what was printed last."""


def line_of(text: str) -> str:
    """The first line that is not empty, printable, and no longer than `LINE_MOST`."""
    line = printable((text.lstrip()[: LINE_MOST + 1].splitlines() or [""])[0])
    return line if len(line) <= LINE_MOST else line[: LINE_MOST - 1] + "…"


def text_of(text: str) -> str:
    """The end of a text, printable, and no longer than `TEXT_MOST`."""
    return printable(text[-TEXT_MOST:])[-TEXT_MOST:]
