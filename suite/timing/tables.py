"""The tables of timing: throughput, and the A/A tests of its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..reference.files import write_text
from ..report.console import print_table
from ..report.tables import frame, markdown, write_table
from .judge.aa import AA, PLANTED
from .judge.aa import COLUMNS as AA_COLUMNS
from .judge.ratios import time_ratio
from .judge.throughput import COLUMNS, INTERVAL_PROCESSES, Row
from .libraries.table import LIBRARY_MODE

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
    "% of roofline",
    "% of its library's",
    "first call",
    "smallest detectable error",
    "stable",
)

BEST_SHOWN = (
    *("workload", "stage", "batch", "dtype", "quickest", "images/s", "× eager", "% of roofline", "best other library"),
)

LEGEND = """\
The first table has the quickest way to compute each stage, and its speed-up over the same code run eagerly (the median
over processes that have timed both, with its interval where there are six) and over the quickest other library, where
one was timed. The second table has all timings. Images per second are medians of per-process medians of calls that end
in the device's own synchronisation, with the microsecond or less that the harness adds to each; lowest–highest is
{bounds}. *% of roofline* is the time of the stage's matrix products at the best rate that any installed library reached
on these shapes in this run, divided by the measured time (for a multilayer perceptron at batch 1, the time to read the
weights divided by it). *% of its library's* is the same with the rates of the backend's own library, perhaps by another
route. Above 100 %, the stage was faster than its products timed one by one. *First call* is the cell's first call in
its session, compiling included: the compile cache was empty, but the process was warm. The *smallest detectable error*
is relative, planted in all of a tensor; the proof would have detected it in every tensor of the cell. A figure is not
stable if its processes are more than 10 % apart; in the full matrix it is then measured by as many processes again, and
all count. **Bold** is the quickest of a workload, stage, batch and dtype, if it is stable. Only cells that were proven
equal are timed, at the same workload and batch, before and after timing. *tuned: step* is a step together with those
before it (docs/performance.md)."""


def shown(rows: Sequence[Row]) -> list[list[str]]:
    """Rows as text, in the columns `SHOWN`; a row without a figure has its verdict and reason."""
    return [[str(row[name]) for name in SHOWN[:6]] + [_mode(row)] + _figures(row) for row in rows]


def _mode(row: Row) -> str:
    """The mode, another library's variant or an optimisation step, and whether threads are not pinned."""
    words = f"{row['mode']}: {row['rung']}" if row.get("rung") else str(row["mode"])
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


def write_throughput(rows: Sequence[Row], settings: Mapping[str, Any], folder: Path) -> None:
    """Write throughput.csv, .parquet and .md."""
    write_table(frame(rows, COLUMNS), folder / "throughput")
    processes = max((row["processes"] for row in rows), default=0)
    few = f"the spread of {processes} processes, which is no interval"
    bounds = few if processes < INTERVAL_PROCESSES else "an interval of at least 95 % for the median of all processes"
    machine = (
        f"{settings['cpu']}, {settings['options'].get('threads', 'unknown')} threads; {settings['gpu'] or 'no GPU'}."
    )
    legend = LEGEND.format(bounds=bounds)
    text = f"# Throughput\n\n{machine} {legend}\n\n## The quickest of each stage\n\n"
    text += markdown(pd.DataFrame(best(rows), columns=list(BEST_SHOWN))) + "\n## All\n\n"
    lines, column = shown(rows), SHOWN.index("images/s")
    for group in _groups(rows):
        row = rows[group[0]]
        if row["stable"]:
            lines[group[0]][column] = f"**{lines[group[0]][column]}**"
    text += markdown(pd.DataFrame(lines, columns=list(SHOWN)))
    write_text(folder / "throughput.md", text)


def print_throughput(rows: Sequence[Row]) -> None:
    """Print the quickest of each stage, and all timings."""
    print_table("The quickest of each stage", BEST_SHOWN, best(rows))
    print_table("Throughput", SHOWN, shown(rows))


def best(rows: Sequence[Row]) -> list[list[str]]:
    """The quickest row of each workload, stage, batch and dtype, in the columns `BEST_SHOWN`."""
    lines = []
    for group in _groups(rows):
        own = [rows[index] for index in group if rows[index]["mode"] != LIBRARY_MODE]
        others = [rows[index] for index in group if rows[index]["mode"] == LIBRARY_MODE]
        if not own:
            continue
        quickest, against = own[0], ""
        if others:
            more = quickest["images_per_second"] / others[0]["images_per_second"]
            against = f"{more:.2f}× {others[0]['notation']} ({others[0]['rung']})"
        figure = _count(quickest["images_per_second"]) + ("" if quickest["stable"] else " (not stable)")
        where = [str(quickest[name]) for name in ("workload", "stage", "batch", "dtype")]
        share = _percent(quickest["roof_share"])
        times = _times(quickest, [rows[index] for index in group])
        lines.append([*where, f"{quickest['backend']}, {_mode(quickest)}", figure, times, share, against])
    return lines


def _times(quickest: Row, group: Sequence[Row]) -> str:
    """The speed-up over the eager row of the same notation, backend and threads; empty where there is none."""
    same = ("notation", "backend", "threads")
    plain = [row for row in group if row["mode"] == "eager" and all(row[name] == quickest[name] for name in same)]
    if not plain or plain[0] is quickest:
        return ""
    ratio, lower, upper = time_ratio(plain[0], quickest)
    return f"{ratio:.2f}" + (f" ({lower:.2f}–{upper:.2f})" if lower else "")


def _groups(rows: Sequence[Row]) -> list[list[int]]:
    """The indices of the rows with a figure of each workload, stage, batch, device and dtype, the quickest first."""
    found: dict[tuple[Any, ...], list[int]] = {}
    for index, row in enumerate(rows):
        if row["images_per_second"] is not None:
            group = tuple(row[name] for name in ("workload", "stage", "batch", "device", "dtype"))
            found.setdefault(group, []).append(index)
    return [sorted(group, key=lambda index: -rows[index]["images_per_second"]) for group in found.values()]


AA_SHOWN = ("question", "backend", "tries", "called", "rate (95 %)", "median ratio (95 %)", "lost", "holds")
QUESTIONS = {AA: "the same cell, called different", PLANTED: "slowed by 10 %, called slower"}
AA_LEGEND = """\
The A/A test times a cell as if it were two, in the sessions in which all cells are timed. The ratio of the two times in
each of six processes is a sample. A difference is claimed only where the interval of the median ratio is beyond 1 by
more than 2 %. At most 5 % of the tries may be called *faster* or *slower*, and the median of all ratios must be within
2 % of 1. In the same sessions the cell is timed a third time, with each call followed by idling for 10 % of the time of
the call: at least 95 % of the tries must be called *slower*. *Lost* are tries that were not measured, or whose cell was
not proven equal: with any of them no limit holds. Intervals of rates are those of Clopper and Pearson, intervals of
ratios come from order statistics; fewer than six tries have none."""


def shown_aa(rows: Sequence[Row]) -> list[list[str]]:
    """Rows of A/A as text, in the columns `AA_SHOWN`."""
    return [_question(row) for row in rows]


def write_aa(rows: Sequence[Row], folder: Path) -> None:
    """Write trust.csv, .parquet and .md.

    Args:
        rows: the rows of `judge.aa.aa_rows`.
        folder: the run's folder.
    """
    write_table(frame(rows, AA_COLUMNS), folder / "trust")
    table = markdown(pd.DataFrame(shown_aa(rows), columns=list(AA_SHOWN)))
    text = f"# What these timings are worth\n\n{AA_LEGEND}\n\n{table}"
    write_text(folder / "trust.md", text)


def _question(row: Row) -> list[str]:
    start = [QUESTIONS[row["promise"]], row["backend"] or "all", str(row["tries"])]
    end = [row["reason"] or "", "yes" if row["holds"] else "NO"]
    if not row["tries"]:
        return [*start, "", "", "", *end]
    rate = f"{row['rate']:.1%} ({row['rate_lower']:.1%}–{row['rate_upper']:.1%})"
    ratio = f"{row['ratio']:.3f}"
    if row["ratio_lower"]:
        ratio += f" ({row['ratio_lower']:.3f}–{row['ratio_upper']:.3f})"
    return [*start, str(row["called"]), rate, ratio, *end]


def print_aa(rows: Sequence[Row]) -> None:
    """Print the A/A tests of the timings; nothing where a run has none."""
    if rows:
        print_table("A/A", AA_SHOWN, shown_aa(rows))
