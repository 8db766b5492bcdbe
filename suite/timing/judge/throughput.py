"""Throughput: images per second with their spread, from the raw rounds of all processes, and shares of rooflines."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ...backends.table import host_of, precision
from ...reference.comparison import Comparison, Tensors, first_divergence, smallest_error
from ...reference.spec import Spec
from ..libraries.table import LIBRARY_MODE
from ..proof import Expected
from ..records import Measured, ThroughputRecord
from .libraries import LibraryJudge
from .rates import Rates, rates_of, share
from .ratios import interval
from .rooflines import flops

COLUMNS = (
    "workload",
    "stage",
    "batch",
    "notation",
    "framework",
    "backend",
    "device",
    "dtype",
    "mode",
    "rung",
    "threads",
    "images_per_second",
    "lower",
    "upper",
    "processes",
    "by_process",
    "roof_share",
    "library_share",
    "first_call_s",
    "graphs",
    "peak_memory_mb",
    "stable",
    "interval",
    "detects",
    "verdict",
    "reason",
    "flop_per_image",
)
CELL = COLUMNS[: COLUMNS.index("images_per_second")]

INTERVAL_PROCESSES = 6
"""The least number of processes for an interval (of six, lowest–highest: 1 − 2·½⁶ = 97 %); fewer have a spread."""
STABLE_SPREAD = 0.1

Row = dict[str, Any]
Expectations = Callable[[str, str, int, str], Expected]
"""(problem, precision, batch, bound) → the expected outputs of its stages."""


def throughput_rows(
    records: Iterable[Measured], expected: Expectations, load: Callable[[str], Tensors], *, arms: bool = False
) -> list[Row]:
    """The rows of throughput.csv, one per stage and cell, in the order in which they were first timed.

    A row has a figure only where the timed call's outputs were equal to the reference, before and after timing, in
    every process.

    Args:
        records: the records of one run; other kinds are ignored.
        expected: gives the expected outputs of stages.
        load: reads a record's outputs by file name.
        arms: the rows of the arms of A/A tests instead, each with its `arm`.
    """
    records = list(records)
    rates = rates_of(records)
    libraries = LibraryJudge()
    groups: dict[str, list[ThroughputRecord]] = {}
    for record in records:
        if isinstance(record, ThroughputRecord) and bool(record.arm) is arms:
            groups.setdefault(record.timing.key, []).append(record)
    rows: list[Row] = []
    for group in groups.values():
        first = group[0]
        named = {"arm": first.arm} if arms else {}
        if first.status in ("missing", "unsupported"):  # there may be no reference of its problem either
            rows.append(_unmeasured(group, first.status, first.reason) | named)
            continue
        reference = reference_of(first, expected)
        compared = libraries.comparisons if first.cell.mode == LIBRARY_MODE else stage_comparisons
        verdict, reason, detects = proof(group, reference, load, compared)
        rows.append(row_of(group, reference.problem.spec, rates, verdict, reason) | {"detects": detects} | named)
    return rows


def reference_of(record: ThroughputRecord, expected: Expectations) -> Expected:
    """The expected outputs of a record's stage; another library's are incomplete: `LibraryJudge` computes the rest."""
    cell, bound = record.cell, "elbo" if record.cell.mode == LIBRARY_MODE else record.bound
    return expected(cell.problem, precision(cell.dtype), record.batch, bound)


def stage_comparisons(record: ThroughputRecord, tensors: Tensors, expected: Expected) -> Iterable[Comparison]:
    """The outputs of a stage compared with the reference."""
    return expected.comparisons(tensors, record.adam)


def proof(
    records: Sequence[ThroughputRecord],
    expected: Expected,
    load: Callable[[str], Tensors],
    compared: Callable[[ThroughputRecord, Tensors, Expected], Iterable[Comparison]] = stage_comparisons,
) -> tuple[str, str | None, float | None]:
    """The proof of one stage of one cell, from the records of all processes.

    Args:
        records: the records of the cell.
        expected: the expected outputs of its stages.
        load: reads a record's outputs by file name.
        compared: compares outputs with the expected ones.

    Returns:
        the verdict; the reason where it is not `equal`; the smallest detectable error, relative.
    """
    detects = None
    for record in records:
        if record.status != "ok":
            return record.status, f"pass {record.number}: {record.reason}", None
        for when, file in (("before", record.before), ("after", record.after)):
            assert file is not None
            comparisons = list(compared(record, load(file), expected))
            first = first_divergence(comparisons)
            if first or not comparisons:
                found = first.describe() if first else "no output was compared"
                return "differs", f"pass {record.number}, {when} timing: {found}", None
            detects = smallest_error(comparisons)
    return "equal", None, detects


def _unmeasured(records: Sequence[ThroughputRecord], verdict: str, reason: str | None) -> Row:
    first = records[0]
    named = {**first.cell.as_json(), **first.timing.about(), "rung": first.last_step}
    row: Row = dict.fromkeys(COLUMNS) | {name: named[name] for name in CELL}
    return row | {"verdict": verdict, "reason": reason, "processes": len(records)}


def row_of(records: Sequence[ThroughputRecord], spec: Spec, rates: Rates, verdict: str, reason: str | None) -> Row:
    """One row from the records of one stage of one cell, one record per process.

    Args:
        records: the records of the cell.
        spec: its model.
        rates: the rates of the run.
        verdict, reason: the result of `proof`.
    """
    row = _unmeasured(records, verdict, reason)
    if verdict != "equal":
        return row
    # A median of medians: a process must not weigh more for having more rounds.
    records = sorted(records, key=lambda record: record.number or 0)
    medians = [statistics.median(record.rounds_ns) / 1e9 for record in records]
    seconds, images = statistics.median(medians), records[0].images
    per_batch = seconds * row["batch"] / images
    quickest, slowest = bounds(medians)
    row |= {
        "images_per_second": images / seconds,
        "lower": images / slowest,
        "upper": images / quickest,
        "by_process": [images / ns for ns in medians],
        "roof_share": share(rates, spec, row, per_batch),
        "library_share": share(rates, spec, row, per_batch, library=host_of(row["backend"])),
        "flop_per_image": flops(spec, row["stage"], row["batch"]) / row["batch"],
        # Sessions that started with an empty compile cache; their later cells still reuse code of their earlier ones.
        "first_call_s": most(record.first_call_s for record in records if record.cold_cache),
        "graphs": most(record.graphs.graphs if record.graphs else None for record in records),
        "peak_memory_mb": most(record.peak_memory_mb for record in records),
        "interval": "95 %" if len(records) >= INTERVAL_PROCESSES else "spread",
        "stable": is_stable(medians),
    }
    return row


def most(values: Iterable[float | None]) -> float | None:
    """The largest of the values that are not None."""
    return max((value for value in values if value is not None), default=None)


def bounds(medians: Sequence[float]) -> tuple[float, float]:
    """The interval (lower, upper) of the median over processes; of few processes the lowest and the highest."""
    if len(medians) < INTERVAL_PROCESSES:
        return min(medians), max(medians)
    _, lower, upper = interval(np.array(medians))
    return lower, upper


def is_stable(medians: Sequence[float]) -> bool:
    """Whether the bounds are at most a tenth of the median apart. The figure of a single process is not stable."""
    lower, upper = bounds(medians)
    return len(medians) > 1 and (upper - lower) / statistics.median(medians) <= STABLE_SPREAD


def unstable(records: Iterable[Measured], passes: int) -> set[str]:
    """The keys of timings whose first `passes` processes all have rounds, but no stable figure.

    Args:
        records: the records of one run.
        passes: processes of each backend.
    """
    medians: dict[str, list[float]] = {}
    for record in records:
        if isinstance(record, ThroughputRecord) and (record.number or 0) in range(1, passes + 1) and record.rounds_ns:
            medians.setdefault(record.timing.key, []).append(statistics.median(record.rounds_ns))
    return {key for key, found in medians.items() if len(found) == passes and not is_stable(found)}
