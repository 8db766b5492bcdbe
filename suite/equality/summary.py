"""Summaries of verdicts: one line per cell, and how many cells have each verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from .judge import Row, by_cell, cell_verdict


def cell_lines(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """One line per cell: its verdict, and the tensor that came closest to its tolerance, or the first that diverged."""
    lines = []
    for cell, group in by_cell(rows).items():
        compared = [row for row in group if row["term"]]
        closest = max(compared, key=_share, default=None)
        line: dict[str, Any] = {
            "problem": cell.problem,
            "notation": cell.notation,
            "backend": cell.backend,
            "device": cell.device,
            "dtype": cell.dtype,
            "mode": cell.mode,
            "adapted": group[0]["adapted"],
            "verdict": cell_verdict(group),
            "tensors": len(compared),
            "closest tensor": closest and closest["term"],
            "error": closest and closest["worst_error"],
            "allowed": closest and closest["tolerance"],
            "first divergence, or reason": next(
                (row["first_divergence"] or row["reason"] for row in group if row["verdict"] != "equal"), None
            ),
        }
        lines.append(line)
    return lines


def _share(row: Row) -> float:
    """How much of its tolerance an error takes; a difference that is no number takes all."""
    error, tolerance = row["worst_error"], row["tolerance"]
    if error is None or error != error:
        return float("inf")
    if not tolerance:
        return float("inf") if error else 0.0
    return float(error / tolerance)


def verdict_counts(rows: Sequence[Row]) -> dict[str, int]:
    """How many cells have each verdict."""
    counts = Counter(cell_verdict(group) for group in by_cell(rows).values())
    return dict(sorted(counts.items()))
