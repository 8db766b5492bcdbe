"""Verdicts: the rows of equivalence.csv, from the records and tensors of a problem's cells."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from ..backends.table import base_dtype
from ..reference.comparison import Comparison, Tensors, compare, first_divergence
from ..reference.lifting import SEPARATOR
from ..reference.problem import Problem
from ..reference.truth import Truth, against_truth, flow, truth_of
from ..workers.records import CELL_FIELDS, Cell, cell_of
from .exclusions import Exclusion, exclusion_of
from .records import EqualityRecord

#: The columns of a comparison; a row without a comparison leaves most of them empty.
COMPARED = ("worst_error", "worst_ulps", "tolerance", "worst_index", "first_divergence", "reason")
COLUMNS = (*CELL_FIELDS, "adapted", "term", "verdict", *COMPARED, "embedding")

Row = dict[str, Any]
Truths = dict[tuple[str, ...], Truth]
"""Problem, dtype, bound and lifting → the reference of the cells; each takes long to compute."""


def judge(
    problem: Problem,
    records: Sequence[EqualityRecord],
    load: Callable[[str], Tensors],
    exclusions: Sequence[Exclusion],
    truths: Truths | None = None,
) -> list[Row]:
    """One row per cell and tensor; a cell without an outcome has one row that says why.

    Args:
        problem: what the cells ran on.
        records: their records.
        load: a record's tensors by file name.
        exclusions: known failures.
        truths: the references computed so far; new ones are added.
    """
    truths = {} if truths is None else truths
    cells: dict[tuple[str, ...], dict[Cell, Tensors]] = {}
    rows: list[Row] = []
    for record in records:
        cell = record.cell
        if record.tensors is None or record.status != "ok":
            rows.append(_row(record, "", record.status, reason=record.reason))
            continue
        bound, embedding = record.bound or "elbo", record.embedding or ""
        key = (problem.name, base_dtype(cell.dtype), bound, embedding)
        if key not in truths:
            names = embedding.split(SEPARATOR) if embedding else []
            truths[key] = truth_of(problem, key[1], bound=bound, embedding=names)
        tensors = load(record.tensors)
        cells.setdefault((cell.dtype, bound, embedding), {})[cell] = tensors
        if comparisons := against_truth(problem, tensors, truths[key]):
            rows += _cell_rows(record, comparisons, exclusions)
        else:
            rows.append(_row(record, "", "failed", reason=f"{record.tensors} has no tensor of the contract"))
    for (dtype, *rest), group in cells.items():
        _name_companions(problem, group, truths[problem.name, base_dtype(dtype), *rest], rows)
    return rows


def _name_companions(problem: Problem, group: Mapping[Cell, Tensors], truth: Truth, rows: Sequence[Row]) -> None:
    """For each cell that differs, name the cells that equal it: they share the error.

    Two cells that both equal the reference cannot differ from each other by more than the sum of their tolerances.
    """
    accused = {cell_of(row) for row in rows if row["verdict"] == "differs"} & set(group)
    if not accused:
        return
    by_key = {cell.key: tensors for cell, tensors in group.items()}
    apart = {frozenset((one, other)) for one, other, _ in against_each_other(problem, by_key, truth)}
    for row in rows:
        if row["verdict"] == "differs" and (cell := cell_of(row)) in accused:
            same = [key for key in by_key if key != cell.key and frozenset((key, cell.key)) not in apart]
            row["reason"] = f"shared with {', '.join(same)}" if same else "no other cell computes the same"


def against_each_other(
    problem: Problem, cells: Mapping[str, Tensors], truth: Truth
) -> Iterator[tuple[str, str, Comparison]]:
    """The first tensor in which each pair of cells differs by more than the sum of their tolerances.

    Args:
        problem: what all cells ran on.
        cells: cell key → tensors, all of one dtype.
        truth: the reference, whose tolerances are used.

    Yields:
        (cell, other cell, comparison) for every pair that differs.
    """
    for (one, a), (other, b) in combinations(cells.items(), 2):
        for name in flow(problem):
            if name in a and name in b and name in truth.tensors:
                comparison = compare(name, a[name], b[name], 2 * truth.tolerances[name], truth.dtype)
                if not comparison.equal:
                    yield one, other, comparison
                    break


def _cell_rows(record: EqualityRecord, comparisons: list[Comparison], exclusions: Sequence[Exclusion]) -> list[Row]:
    first = first_divergence(comparisons)
    exclusion = exclusion_of(record.cell, exclusions)
    divergence = first.describe() if first else None
    rows = []
    for comparison in comparisons:
        verdict, reason = ("equal" if comparison.equal else "differs"), None
        if exclusion and not comparison.equal:
            verdict, reason = "excluded", f"{exclusion.reason} ({exclusion.link})"
        numbers = {
            "worst_error": _number(comparison.error),
            "worst_ulps": _number(comparison.ulps),
            "tolerance": _number(comparison.tolerance),
            "worst_index": list(comparison.index),
        }
        rows.append(_row(record, comparison.tensor, verdict, reason=reason, first_divergence=divergence, **numbers))
    if exclusion and exclusion.strict and first is None:
        reason = f"excluded because {exclusion.reason} ({exclusion.link}), but every tensor is equal: remove the entry"
        rows.append(_row(record, "", "unexpected-pass", reason=reason))
    return rows


def _number(value: float) -> float | None:
    """None for NaN and infinity, which JSON lacks: `first_divergence` has them in words."""
    return value if math.isfinite(value) else None


def _row(record: EqualityRecord, term: str, verdict: str, **more: Any) -> Row:
    known = {"adapted": record.adapted, "embedding": record.embedding}
    row: Row = {**record.cell.as_json(), **known, "term": term, "verdict": verdict, **more}
    return {name: row.get(name) for name in COLUMNS}


def cell_verdict(rows: Sequence[Row]) -> str:
    """The verdict of a cell: the worst of its rows."""
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
    """The cells in which every tensor is equal; only these are timed."""
    return {cell for cell, group in by_cell(rows).items() if cell_verdict(group) == "equal"}
