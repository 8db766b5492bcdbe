"""The verdicts that fail a run, and the exit code that follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: Verdicts that fail a run.
FAILING = ("differs", "failed", "timeout", "unexpected-pass")


def exit_code(rows: Sequence[Mapping[str, Any]]) -> int:
    """1 where any cell fails the run."""
    return int(any(row["verdict"] in FAILING for row in rows))
