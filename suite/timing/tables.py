"""The throughput tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..report.tables import frame, markdown, write_table, write_whole
from .judge.throughput import COLUMNS, INTERVAL_PROCESSES, Row

SHOWN = (
    "workload",
    "stage",
    "batch",
    "notation",
    "backend",
    "dtype",
    "mode",
    "images/s",
    "lowest–highest",
    "of the roof",
    "of its library",
    "first call",
    "finds from",
    "stable",
)

LEGEND = """\
Images per second are medians of per-process medians of calls that end in the device's own synchronisation;
lowest–highest is {bounds}. *Of the roof*: the time of the stage's matrix products at the best rate that any
installed library reached on these shapes in this run, divided by the measured time (batch 1: the time to read the
weights); *of its library*: the same with the backend's own rates. Above 100 %, the stage was faster than its
products one by one. *First call* is the cell's first in its session, compiling included: the compile cache was
empty, but the process was warm (imports and the compiler's own start are in `records.jsonl`). *Finds from*: the
smallest relative error, planted in all of a tensor, that the proof would have found in every tensor of the cell; in
bfloat16 it is large, and the same formula is proven in float64. A figure whose processes are more than 10 % apart is
not stable; in the full matrix it is measured by as many processes again, and all count. **Bold** is the quickest of a
workload, stage, batch and dtype, if it is stable. Only what was proven equal is timed, at the very workload and batch,
before and after timing. What the harness itself adds to a call is subtracted where it is over 1 % (`harness_share`,
`harness_subtracted`)."""


def shown(rows: Sequence[Row]) -> list[list[str]]:
    """Rows as people read them, in the columns `SHOWN`; a cell without a figure says why."""
    return [[str(row[name]) for name in SHOWN[:6]] + [_mode(row)] + _figures(row) for row in rows]


def _mode(row: Row) -> str:
    """The mode, another library's variant or an optimisation step, and what else is not as in most rows."""
    words = f"{row['mode']}: {row['rung']}" if row.get("rung") else str(row["mode"])
    words += "" if row.get("awaited", True) else ", not awaited"
    return words + (", default threads" if row.get("threads") == "default" else "")


def _figures(row: Row) -> list[str]:
    if row["images_per_second"] is None:
        return [row["verdict"], row["reason"] or "", "", "", "", "", ""]
    return [
        _count(row["images_per_second"]),
        f"{_count(row['lower'])}–{_count(row['upper'])}",
        _percent(row["roof_share"]),
        _percent(row["library_share"]),
        "" if row["first_call_s"] is None else f"{row['first_call_s']:.2g} s",
        "" if row["detects"] is None else f"{100 * row['detects']:.2g} %",
        "yes" if row["stable"] else "no",
    ]


def _count(value: float) -> str:
    return f"{float(f'{value:.3g}'):,.0f}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"


def _limits(rows: Sequence[Row]) -> str:
    """What the processor itself reached in the run, a sentence; empty where nothing could measure it."""
    known = {row["dtype"]: row for row in rows if row.get("peak_flop_per_second")}
    if not known:
        return ""
    peaks = ", ".join(f"{row['peak_flop_per_second'] / 1e9:,.0f} GFLOP/s in {dtype}" for dtype, row in known.items())
    memory = next(iter(known.values()))["memory_byte_per_second"]
    return f"Peaks of the run: {peaks}" + (f"; {memory / 1e9:,.0f} GB/s from memory. " if memory else ". ")


def write_throughput(rows: Sequence[Row], settings: Mapping[str, Any], folder: Path) -> None:
    """throughput.csv, .parquet and .md."""
    write_table(frame(rows, COLUMNS), folder / "throughput")
    processes = max((row["processes"] for row in rows), default=0)
    few = f"the spread of {processes} processes, which is no interval"
    bounds = few if processes < INTERVAL_PROCESSES else "an interval of at least 95 % for the median of all processes"
    machine = f"{settings['cpu']}, {settings['options']['threads']} threads; {settings['gpu'] or 'no GPU'}."
    text = f"# Throughput\n\n{machine} {_limits(rows)}{LEGEND.format(bounds=bounds)}\n\n"
    lines, column = shown(rows), SHOWN.index("images/s")
    for index in _quickest(rows):
        lines[index][column] = f"**{lines[index][column]}**"
    text += markdown(pd.DataFrame(lines, columns=list(SHOWN)))
    write_whole(folder / "throughput.md", lambda path: path.write_text(text, encoding="utf-8"))


def _quickest(rows: Sequence[Row]) -> list[int]:
    """Where the quickest row of each workload, stage, batch and dtype is, if it is stable."""
    best: dict[tuple[Any, ...], int] = {}
    for index, row in enumerate(rows):
        if row["images_per_second"] is not None:
            group = tuple(row[name] for name in ("workload", "stage", "batch", "device", "dtype"))
            best[group] = max(best.get(group, index), index, key=lambda i: rows[i]["images_per_second"])
    return [index for index in best.values() if rows[index]["stable"]]
