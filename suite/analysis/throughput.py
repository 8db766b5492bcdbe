"""Throughput: the raw rounds of all processes become images per second, with their spread, held against the roofs."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..definition.problem import Problem
from ..definition.spec import Spec
from ..execution.backends import precision
from ..execution.bench.timings import THROUGHPUT, key_of
from .equality import Tensors, Truth, compare, flow, truth_of
from .operations import flops
from .rates import Rates, rates_of, share

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
    "images_per_second",
    "lower",
    "upper",
    "processes",
    "roof_share",
    "library_share",
    "first_call_s",
    "graphs",
    "peak_memory_mb",
    "stable",
    "interval",
    "verdict",
    "reason",
    "flop_per_image",
    "peak_flop_per_second",
    "peak_share",
    "memory_byte_per_second",
)
CELL = COLUMNS[: COLUMNS.index("images_per_second")]

INTERVAL_PROCESSES = 6
"""From so many processes on, min–max is an interval of 1 − 2·½⁶ = 97 % for the median; with fewer it is a spread."""
STABLE_SPREAD = 0.1

Record = Mapping[str, Any]
Row = dict[str, Any]


def throughput_rows(
    records: Iterable[Record], problems: Mapping[str, Problem], load: Callable[[str], Tensors]
) -> list[Row]:
    """The rows of throughput.csv, one per stage and cell, in the order in which they were first timed.

    A figure is printed only where the timed call's own outputs were equal to the truth: before and after timing, in
    every process.

    Args:
        records: of one run; those of another kind are passed over.
        problems: the run's problems by name.
        load: a record's outputs by file name.
    """
    records = list(records)
    rates = rates_of(records)
    truths: dict[tuple[str, str], Truth] = {}
    groups: dict[str, list[Record]] = {}
    for record in records:
        if record.get("kind") == THROUGHPUT:
            groups.setdefault(key_of(record), []).append(record)
    rows = []
    for group in groups.values():
        name, dtype = group[0]["problem"], precision(group[0]["dtype"])
        if (name, dtype) not in truths:
            truths[name, dtype] = truth_of(problems[name], dtype)
        verdict, reason = proof(group, problems[name], truths[name, dtype], load)
        rows.append(row_of(group, problems[name].spec, rates, verdict, reason))
    return rows


def proof(
    records: Sequence[Record], problem: Problem, truth: Truth, load: Callable[[str], Tensors]
) -> tuple[str, str | None]:
    """The verdict on one stage of one cell from its records of all processes, and the reason where it is another."""
    for record in records:
        if record["status"] != "ok":
            return record["status"], f"pass {record['pass']}: {record['reason']}"
        for when in ("before", "after"):
            tensors = load(record[when])
            for name in flow(problem):
                if name not in tensors:
                    continue
                found = compare(name, tensors[name], truth.tensors[name], truth.tolerances[name], truth.dtype)
                if not found.equal:
                    return "differs", f"pass {record['pass']}, {when} timing: {found.describe()}"
    return "equal", None


def row_of(records: Sequence[Record], spec: Spec, rates: Rates, verdict: str, reason: str | None) -> Row:
    """One row from the records of one stage of one cell, one record per process."""
    row: Row = dict.fromkeys(COLUMNS) | {name: records[0][name] for name in CELL}
    row |= {"verdict": verdict, "reason": reason, "processes": len(records)}
    if verdict != "equal":
        return row
    # A median of medians: what one process does differently as a whole must not weigh by how many rounds it made.
    medians = [statistics.median(record["rounds_ns"]) / 1e9 for record in records]
    seconds, batch = statistics.median(medians), row["batch"]
    operations = flops(spec, row["stage"], batch)
    peak = rates.multiply_adds.get((row["device"], precision(row["dtype"])))
    row |= {
        "images_per_second": batch / seconds,
        "lower": batch / max(medians),
        "upper": batch / min(medians),
        "roof_share": share(rates, spec, row, seconds),
        "library_share": share(rates, spec, row, seconds, library=row["backend"]),
        "flop_per_image": operations / batch,
        "peak_flop_per_second": peak,
        "peak_share": operations / seconds / peak if peak else None,
        "memory_byte_per_second": rates.memory.get(row["device"]),
        # A session's later cells reuse what its earlier ones compiled; the passes run in opposite orders.
        "first_call_s": max(record["first_call_s"] for record in records),
        "graphs": max((record["graphs"]["graphs"] for record in records if record["graphs"]), default=None),
        "peak_memory_mb": max(record["peak_memory_mb"] for record in records),
        "interval": "97 %" if len(records) >= INTERVAL_PROCESSES else "spread",
    }
    # One process says nothing of the others: not known to be stable.
    row["stable"] = len(records) > 1 and (max(medians) - min(medians)) / seconds <= STABLE_SPREAD
    return row
