"""Verdicts: the records of a problem's cells and their tensors become the rows of equivalence.csv."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..definition.problem import Problem
from ..execution.backends import base_dtype
from ..execution.records import Cell, cell_of
from .equality import Comparison, Tensors, Truth, against_each_other, against_truth, first_divergence, truth_of
from .exclusions import Exclusion, exclusion_of

COLUMNS = (
    "problem",
    "notation",
    "framework",
    "backend",
    "device",
    "dtype",
    "mode",
    "adapted",
    "term",
    "verdict",
    "worst_error",
    "worst_ulps",
    "tolerance",
    "worst_index",
    "first_divergence",
    "reason",
)
#: Verdicts that fail a run.
FAILING = ("differs", "failed", "timeout", "unexpected-pass")

Row = dict[str, Any]


def judge(
    problem: Problem,
    records: Sequence[Mapping[str, Any]],
    load: Callable[[str], Tensors],
    exclusions: Sequence[Exclusion],
) -> list[Row]:
    """One row per cell and tensor; a cell without an outcome has one row that says why.

    Args:
        problem: what the cells ran on.
        records: their records.
        load: a record's tensors by file name.
        exclusions: known failures.
    """
    truths: dict[str, Truth] = {}
    cells: dict[str, dict[Cell, Tensors]] = {}
    rows: list[Row] = []
    for record in records:
        cell = cell_of(record)
        if record["status"] != "ok":
            rows.append(_row(cell, record, "", record["status"], reason=record["reason"]))
            continue
        dtype = base_dtype(cell.dtype)
        if dtype not in truths:
            truths[dtype] = truth_of(problem, dtype)
        tensors = load(record["tensors"])
        cells.setdefault(cell.dtype, {})[cell] = tensors
        rows += _cell_rows(cell, record, against_truth(problem, tensors, truths[dtype]), exclusions)
    accused = {cell_of(row) for row in rows if row["verdict"] != "equal"}
    for dtype, group in cells.items():
        # Cells that already differ from the truth would only repeat themselves in every pair.
        innocent = {cell.key: tensors for cell, tensors in group.items() if cell not in accused}
        by_key = {cell.key: cell for cell in group}
        for one, other, comparison in against_each_other(problem, innocent, truths[base_dtype(dtype)]):
            reason = f"differs from {other}"
            rows.append(_comparison_row(by_key[one], {}, comparison, "differs", comparison.describe(), reason))
    return rows


def _cell_rows(
    cell: Cell, record: Mapping[str, Any], comparisons: list[Comparison], exclusions: Sequence[Exclusion]
) -> list[Row]:
    first = first_divergence(comparisons)
    exclusion = exclusion_of(cell, exclusions)
    divergence = first.describe() if first else None
    rows = []
    for comparison in comparisons:
        verdict, reason = ("equal" if comparison.equal else "differs"), None
        if exclusion and not comparison.equal:
            verdict, reason = "excluded", f"{exclusion.reason} ({exclusion.link})"
        rows.append(_comparison_row(cell, record, comparison, verdict, divergence, reason))
    if exclusion and exclusion.strict and first is None:
        reason = f"excluded because {exclusion.reason} ({exclusion.link}), but every tensor is equal: remove the entry"
        rows.append(_row(cell, record, "", "unexpected-pass", reason=reason))
    return rows


def _comparison_row(
    cell: Cell,
    record: Mapping[str, Any],
    comparison: Comparison,
    verdict: str,
    divergence: str | None,
    reason: str | None,
) -> Row:
    return _row(
        cell,
        record,
        comparison.tensor,
        verdict,
        worst_error=comparison.error,
        worst_ulps=comparison.ulps,
        tolerance=comparison.tolerance,
        worst_index=list(comparison.index),
        first_divergence=divergence,
        reason=reason,
    )


def _row(cell: Cell, record: Mapping[str, Any], term: str, verdict: str, **more: Any) -> Row:
    row: Row = {**cell.as_json(), "adapted": record.get("adapted"), "term": term, "verdict": verdict, **more}
    return {name: row.get(name) for name in COLUMNS}


def cell_verdict(rows: Sequence[Row]) -> str:
    """One word for a cell: the worst of its rows."""
    order = ("failed", "timeout", "differs", "unexpected-pass", "excluded", "missing", "unsupported")
    verdicts = {row["verdict"] for row in rows}
    return next((verdict for verdict in order if verdict in verdicts), "equal")


def by_cell(rows: Sequence[Row]) -> dict[Cell, list[Row]]:
    """Rows grouped by their cell, in order."""
    cells: dict[Cell, list[Row]] = {}
    for row in rows:
        cells.setdefault(cell_of(row), []).append(row)
    return cells


def proven(rows: Sequence[Row]) -> set[Cell]:
    """The cells whose every tensor is equal: the only ones that are timed."""
    return {cell for cell, group in by_cell(rows).items() if cell_verdict(group) == "equal"}
