"""Throughput: the raw rounds of all processes become images per second, with their spread, held against the roofs."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..definition.comparison import Tensors, Truth, compare
from ..definition.problem import Problem
from ..definition.spec import Spec
from ..execution.backends import host_of, precision
from ..execution.bench.timings import ROOF, THROUGHPUT, Roof, key_of
from ..execution.peers.table import PEER
from .equality import flow, truth_of
from .operations import products, weight_bytes
from .peers import PeerJudge

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
    "rung",
)
CELL = COLUMNS[: COLUMNS.index("images_per_second")]

INTERVAL_PROCESSES = 6
"""From so many processes on, min–max is an interval of 1 − 2·½⁶ = 97 % for the median; with fewer it is a spread."""
STABLE_SPREAD = 0.1

Record = Mapping[str, Any]
Row = dict[str, Any]
Rates = Mapping[tuple[str, str, Roof], float]


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
    rates = roof_rates(records)
    peers = PeerJudge()
    truths: dict[tuple[str, str], Truth] = {}
    groups: dict[str, list[Record]] = {}
    for record in records:
        if record.get("kind") == THROUGHPUT:
            groups.setdefault(key_of(record), []).append(record)
    rows = []
    for group in groups.values():
        name, dtype = group[0]["problem"], precision(group[0]["dtype"])
        if group[0]["mode"] == PEER:
            verdict, reason = peers.proof(group, problems[name], load)
            rows.append(row_of(group, problems[name].spec, rates, verdict, reason))
            continue
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
    row |= {"verdict": verdict, "reason": reason, "processes": len(records), "rung": records[0].get("rung", "")}
    if verdict != "equal":
        return row
    # A median of medians: what one process does differently as a whole must not weigh by how many rounds it made.
    medians = [statistics.median(record["rounds_ns"]) / 1e9 for record in records]
    seconds, batch = statistics.median(medians), row["batch"]
    row |= {
        "images_per_second": batch / seconds,
        "lower": batch / max(medians),
        "upper": batch / min(medians),
        "roof_share": _share(row, spec, rates, seconds, library=None),
        "library_share": _share(row, spec, rates, seconds, library=host_of(row["backend"])),
        # A session's later cells reuse what its earlier ones compiled; the passes run in opposite orders.
        "first_call_s": max(record["first_call_s"] for record in records),
        "graphs": max((record["graphs"]["graphs"] for record in records if record["graphs"]), default=None),
        "peak_memory_mb": max(record["peak_memory_mb"] for record in records),
        "interval": "97 %" if len(records) >= INTERVAL_PROCESSES else "spread",
    }
    # One process says nothing of the others: not known to be stable.
    row["stable"] = len(records) > 1 and (max(medians) - min(medians)) / seconds <= STABLE_SPREAD
    return row


def roof_rates(records: Iterable[Record]) -> dict[tuple[str, str, Roof], float]:
    """(device, library, roof) → seconds per call: the best of all sessions' medians."""
    rates: dict[tuple[str, str, Roof], float] = {}
    for record in records:
        if record.get("kind") != ROOF:
            continue
        # NumPy computes on the CPU, whatever the device of the session that asked it.
        device = "cpu" if record["library"] == "numpy" else record["device"]
        key = device, record["library"], Roof(record["operation"], tuple(record["shape"]), record["dtype"])
        rates[key] = min(record["seconds"], rates.get(key, float("inf")))
    return rates


def _share(row: Row, spec: Spec, rates: Rates, seconds: float, *, library: str | None) -> float | None:
    """The time that the roof allows ÷ the measured time; None where the run has no roof of these shapes.

    Args:
        row: its stage, batch, device and dtype.
        spec: the model.
        rates: seconds per call of each library and roof.
        seconds: measured per call.
        library: whose rates count; None for the best of all.
    """
    stage, batch, dtype = row["stage"], row["batch"], precision(row["dtype"])
    if batch == 1:
        needed = [(Roof("read", (weight_bytes(spec, stage, dtype),), dtype), 1)]
    else:
        needed = [(Roof("product", (p.m, p.k, p.n), dtype), p.count) for p in products(spec, stage, batch)]
    total = 0.0
    for roof, count in needed:
        found = [
            rate
            for (device, name, known), rate in rates.items()
            if known == roof and device == row["device"] and library in (None, name)
        ]
        if not found:
            return None
        total += count * min(found)
    return total / seconds
