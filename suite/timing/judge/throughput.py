"""Throughput: the raw rounds of all processes become images per second, with their spread, held against the roofs."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ...backends.table import host_of, precision
from ...reference.adam import Adam
from ...reference.comparison import Comparison, Tensors, first_divergence, smallest_error
from ...reference.spec import Spec
from ..libraries.table import LIBRARY_MODE
from ..measure.harness import BENCHMARK
from ..proof import Expected
from ..timings import HARNESS, THROUGHPUT, key_of
from .comparisons import HARNESS_SHARE, interval
from .libraries import LibraryJudge
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
    "rung",
    "awaited",
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
    "peak_flop_per_second",
    "peak_share",
    "memory_byte_per_second",
    "harness_share",
    "harness_subtracted",
)
CELL = COLUMNS[: COLUMNS.index("images_per_second")]

INTERVAL_PROCESSES = 6
"""From so many processes on, `duels.interval` has one (of six, lowest–highest: 1 − 2·½⁶ = 97 %); before, a spread."""
STABLE_SPREAD = 0.1

Record = Mapping[str, Any]
Row = dict[str, Any]
Expectations = Callable[[str, str, int, str], Expected]
"""(problem, precision, batch, bound) → what its stages return."""


def throughput_rows(records: Iterable[Record], expected: Expectations, load: Callable[[str], Tensors]) -> list[Row]:
    """The rows of throughput.csv, one per stage and cell, in the order in which they were first timed.

    A figure is printed only where the timed call's own outputs were equal to the truth: before and after timing, in
    every process.

    Args:
        records: of one run; those of another kind are passed over.
        expected: what stages return.
        load: a record's outputs by file name.
    """
    records = list(records)
    rates, harness = rates_of(records), harness_ns(records)
    libraries = LibraryJudge()
    groups: dict[str, list[Record]] = {}
    for record in records:
        if record.get("kind") == THROUGHPUT:
            groups.setdefault(key_of(record), []).append(record)
    rows = []
    for group in groups.values():
        first = group[0]
        if first["status"] in ("missing", "unsupported"):  # there may be no truth of its problem either
            rows.append({**_unmeasured(group, first["status"], first["reason"]), "detects": None})
            continue
        reference = reference_of(first, expected)
        compared = libraries.comparisons if first["mode"] == LIBRARY_MODE else stage_comparisons
        verdict, reason, detects = proof(group, reference, load, compared)
        own = harness.get((host_of(first["backend"]), first["device"]), 0.0)
        row = row_of(group, reference.problem.spec, rates, verdict, reason, own)
        rows.append({**row, "detects": detects})
    return rows


def reference_of(record: Record, expected: Expectations) -> Expected:
    """What the stage of a record must return; of a peer the data and weights alone: `PeerJudge` makes its truth."""
    bound = "elbo" if record["mode"] == LIBRARY_MODE else record.get("bound", "elbo")
    return expected(record["problem"], precision(record["dtype"]), record["batch"], bound)


def stage_comparisons(record: Record, tensors: Tensors, expected: Expected) -> Iterable[Comparison]:
    """What a stage of ours returned against the truth."""
    return expected.comparisons(tensors, Adam(**record["adam"]) if record["adam"] else None)


def proof(
    records: Sequence[Record],
    expected: Expected,
    load: Callable[[str], Tensors],
    compared: Callable[[Record, Tensors, Expected], Iterable[Comparison]] = stage_comparisons,
) -> tuple[str, str | None, float | None]:
    """What the records of all processes prove of one stage of one cell.

    Args:
        records: of the cell.
        expected: what its stages return.
        load: a record's outputs by file name.
        compared: how outputs are held against it.

    Returns:
        the verdict; the reason where it is not `equal`; the smallest relative error that would have been found.
    """
    detects = None
    for record in records:
        if record["status"] != "ok":
            return record["status"], f"pass {record['pass']}: {record['reason']}", None
        for when in ("before", "after"):
            comparisons = list(compared(record, load(record[when]), expected))
            first = first_divergence(comparisons)
            if first or not comparisons:
                found = first.describe() if first else "no output was compared"
                return "differs", f"pass {record['pass']}, {when} timing: {found}", None
            detects = smallest_error(comparisons)
    return "equal", None, detects


def harness_ns(records: Iterable[Record]) -> dict[tuple[str, str], float]:
    """(backend, device) → nanoseconds that the harness adds to a call: the median of its sessions' medians."""
    found: dict[tuple[str, str], list[float]] = {}
    for record in records:
        if record.get("kind") == HARNESS and record["path"] == BENCHMARK:
            found.setdefault((record["backend"], record["device"]), []).append(record["ns"])
    return {key: statistics.median(medians) for key, medians in found.items()}


def _unmeasured(records: Sequence[Record], verdict: str, reason: str | None) -> Row:
    row: Row = dict.fromkeys(COLUMNS) | {name: records[0][name] for name in CELL}
    return row | {"verdict": verdict, "reason": reason, "processes": len(records)}


def row_of(
    records: Sequence[Record], spec: Spec, rates: Rates, verdict: str, reason: str | None, harness: float = 0.0
) -> Row:
    """One row from the records of one stage of one cell, one record per process.

    Args:
        records: of the cell.
        spec: its model.
        rates: of the run.
        verdict, reason: what the records prove.
        harness: nanoseconds that the harness adds to a call.
    """
    row = _unmeasured(records, verdict, reason)
    if verdict != "equal":
        return row
    # A median of medians: what one process does differently as a whole must not weigh by how many rounds it made.
    records = sorted(records, key=lambda record: record["pass"])
    medians = [statistics.median(record["rounds_ns"]) for record in records]
    harness_share = harness / statistics.median(medians)
    subtracted = harness_share > HARNESS_SHARE
    medians = [(ns - harness * subtracted) / 1e9 for ns in medians]
    seconds, images = statistics.median(medians), records[0]["images"]
    per_batch = seconds * row["batch"] / images
    operations = flops(spec, row["stage"], row["batch"])
    peak = rates.multiply_adds.get((row["device"], precision(row["dtype"])))
    quickest, slowest = bounds(medians)
    row |= {
        "images_per_second": images / seconds,
        "lower": images / slowest,
        "upper": images / quickest,
        "by_process": [images / ns for ns in medians],
        "roof_share": share(rates, spec, row, per_batch),
        "library_share": share(rates, spec, row, per_batch, library=host_of(row["backend"])),
        "harness_share": harness_share,
        "harness_subtracted": subtracted,
        "flop_per_image": operations / row["batch"],
        "peak_flop_per_second": peak,
        "peak_share": operations / per_batch / peak if peak else None,
        "memory_byte_per_second": rates.memory.get(row["device"]),
        # Of sessions that found an empty compile cache. Their later cells still reuse what their earlier ones compiled.
        # Records from before `cold_cache` was written are all of such sessions.
        "first_call_s": max((r["first_call_s"] for r in records if r.get("cold_cache", True)), default=None),
        "graphs": max((record["graphs"]["graphs"] for record in records if record["graphs"]), default=None),
        "peak_memory_mb": max(record["peak_memory_mb"] for record in records),
        "interval": "95 %" if len(records) >= INTERVAL_PROCESSES else "spread",
        "stable": is_stable(medians),
    }
    return row


def bounds(medians: Sequence[float]) -> tuple[float, float]:
    """(lowest, highest) that the median of all processes may be; of few processes the lowest and highest seen."""
    if len(medians) < INTERVAL_PROCESSES:
        return min(medians), max(medians)
    _, lower, upper = interval(np.array(medians))
    return lower, upper


def is_stable(medians: Sequence[float]) -> bool:
    """Whether the bounds are within a tenth of the median. One process says nothing of the others: it is not."""
    lower, upper = bounds(medians)
    return len(medians) > 1 and (upper - lower) / statistics.median(medians) <= STABLE_SPREAD


def unstable(records: Iterable[Record], passes: int) -> set[str]:
    """The keys of timings that were made, and whose first so many processes do not agree on a stable figure.

    Args:
        records: of one run.
        passes: processes of each backend.
    """
    medians: dict[str, list[float]] = {}
    for record in records:
        if (
            record.get("kind") == THROUGHPUT
            and (record["pass"] or 0) in range(1, passes + 1)
            and record.get("rounds_ns")
        ):
            medians.setdefault(key_of(record), []).append(statistics.median(record["rounds_ns"]))
    return {key for key, found in medians.items() if len(found) == passes and not is_stable(found)}
