"""The tables of timing: throughput, optimisation steps, and what the timings are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..report.console import print_table
from ..report.tables import frame, markdown, write_table, write_whole
from .aa import AA
from .judge.aa import COLUMNS as AA_COLUMNS
from .judge.aa import HARNESS, PLANTED
from .judge.comparisons import STEP_COLUMNS
from .judge.throughput import COLUMNS, INTERVAL_PROCESSES, Row
from .measure.harness import BENCHMARK

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


STEPS_LEGEND = """\
Each optimisation step adds one setting to those before it. The steps of one stage alternate in blocks within one
process; *ms per call* is of the step before → of the step; *× the one before* and *× published* are medians of the
ratios of blocks, in brackets their 95 % interval by order statistics. Below 1 is faster. Only outputs that were proven
equal to the definition have a figure. What the harness adds to a call is subtracted where it is over 1 %."""

STEPS_SHOWN = ("what it adds", "ms per call", "× the one before", "× published", "verdict")


def write_steps(rows: Sequence[Row], folder: Path) -> None:
    """ladders.csv, .parquet and .md.

    Args:
        rows: of `judge.comparisons.step_rows`.
        folder: the run's.
    """
    write_table(frame(rows, STEP_COLUMNS), folder / "ladders")
    text = f"# What makes a VAE fast in your framework\n\n{STEPS_LEGEND}\n"
    for name in dict.fromkeys(row["duel"] for row in rows):
        own = [row for row in rows if row["duel"] == name]
        table = pd.DataFrame([_step(row) for row in own], columns=list(STEPS_SHOWN))
        text += f"\n## {name.removeprefix('ladder-')}\n\nAgainst {own[0]['against']}.\n\n{markdown(table)}"
    write_whole(folder / "ladders.md", lambda path: path.write_text(text, encoding="utf-8"))


def _step(row: Row) -> list[Any]:
    what = row["adds"] or row["rung"]
    if row["ms"] is None:
        return [what, "", "", "", f"{row['verdict']}: {row['reason']}"]
    published = row["of_published"], row["of_published_lower"], row["of_published_upper"]
    return [
        what,
        f"{row['against_ms']:.3g} → {row['ms']:.3g}",
        _ratio(row["ratio"], row["lower"], row["upper"]),
        _ratio(*published) if published[0] is not None else "",
        row["verdict"],
    ]


def _ratio(median: float, lower: float, upper: float) -> str:
    return f"{median:.2f} ({lower:.2f}–{upper:.2f})"


_QUESTION = ("backend", "stage", "mode", "tries", "{called}", "rate (95 %)", "median ratio (95 %)", "apart", "holds")
AA_SHOWN = {
    AA: tuple(name.format(called="called different") for name in _QUESTION),
    PLANTED: tuple(name.format(called="called slower") for name in _QUESTION),
    HARNESS: ("backend", "timed", "ns per call", "sessions", "quickest timing", "its share", "holds"),
}
TITLES = {AA: "A/A", PLANTED: "Planted slowness", HARNESS: "Harness cost"}
LEGENDS = {
    AA: """\
The same cell, built twice, is measured against itself as any two cells are. All that is called *faster* or *slower*
here is a mistake. Promised: at most 5 % of the tries are called different, and the median of their ratios is within 2 %
of 1.""",
    PLANTED: """\
In the same blocks the cell stands a third time, and each of its calls is followed by idling for 10 % of what the call
took. Promised: at least 95 % of the tries are called *slower*. What was really added to each call is measured too;
where its median is off by more than one percentage point (the machine did something else meanwhile) the tries are no
tries of 10 %, and are counted *apart*.""",
    HARNESS: """\
A stage that computes nothing is timed like all others: what it takes is the harness's own, clock, call and
synchronisation. Beside it stands the timing of the run of which that is the largest share. Promised: under 1 % of every
figure, or subtracted from it. *Timed*: by pytest-benchmark (the figures of `throughput.md`), or in the blocks of a
paired comparison (optimisation steps, A/A), where many calls share one look at the clock. *Sessions*: the least and the
most of their medians.""",
}
TRIES = """\
A try is as many blocks as a paired comparison has by default, in which the cells alternate. It says *faster* or
*slower* where the 95 % interval of the median ratio of blocks is beyond 1 by more than 2 %. A build makes the models
anew, and has several tries. Intervals of rates are Clopper and Pearson's, those of ratios by order statistics over the
tries; fewer than six tries have none. Rows of *all* stages are held to the promise as it stands: by the rate and the
median that were seen. A row of one stage has so few tries that chance alone may bring it beyond: it fails only where
all of its interval is beyond the promise. No promise holds where a try was not measured, or not of what was proven
equal: those are counted *apart* too, with the reason."""


def sections(rows: Sequence[Row]) -> list[tuple[str, tuple[str, ...], list[list[str]]]]:
    """(title, columns, lines as people read them) of every test that the rows are about."""
    found = []
    for test, title in TITLES.items():
        own = [row for row in rows if row["promise"] == test]
        if own:
            line = _cost if test == HARNESS else _question
            found.append((title, AA_SHOWN[test], [line(row) for row in own]))
    return found


def write_aa(rows: Sequence[Row], folder: Path) -> None:
    """trust.csv, .parquet and .md.

    Args:
        rows: of `judge.aa.aa_rows`.
        folder: the run's.
    """
    write_table(frame(rows, AA_COLUMNS), folder / "trust")
    asked = any(row["promise"] == AA for row in rows)
    text = "# What these timings are worth\n" + (f"\n{TRIES}\n" if asked else "")
    legends = {TITLES[test]: legend for test, legend in LEGENDS.items()}
    for title, columns, lines in sections(rows):
        table = markdown(pd.DataFrame(lines, columns=list(columns)))
        text += f"\n## {title}\n\n{legends[title]}\n\n{table}"
    write_whole(folder / "trust.md", lambda path: path.write_text(text, encoding="utf-8"))


def _question(row: Row) -> list[str]:
    where = [row["backend"] or "all", row["stage"] or "all", row["mode"] or "all", str(row["tries"])]
    apart = row["reason"] or ""
    if not row["tries"]:
        return [*where, "", "", "", apart, _holds(row)]
    rate = f"{row['rate']:.1%} ({row['rate_lower']:.1%}–{row['rate_upper']:.1%})"
    ratio = f"{row['ratio']:.3f}"
    if row["ratio_lower"]:
        ratio += f" ({row['ratio_lower']:.3f}–{row['ratio_upper']:.3f})"
    return [*where, str(row["called"]), rate, ratio, apart, _holds(row)]


def _cost(row: Row) -> list[str]:
    timed = "by pytest-benchmark" if row["path"] == BENCHMARK else "in blocks"
    sessions = f"{row['harness_lower_ns']:,.0f}–{row['harness_upper_ns']:,.0f}"
    start = [row["backend"], timed, f"{row['harness_ns']:,.0f}", sessions]
    if row["share"] is None:
        return [*start, row["reason"], "", ""]
    share = f"{row['share']:.2%}" + (f", subtracted from {row['subtracted']} figures" if row["subtracted"] else "")
    microseconds = float(f"{row['against_ns'] / 1e3:.3g}")
    return [*start, f"{row['cell']}: {microseconds:,g} µs", share, _holds(row)]


def _holds(row: Row) -> str:
    return {True: "yes", False: "NO", None: ""}[row["holds"]]


def print_aa(rows: Sequence[Row]) -> None:
    """What the timings are worth; nothing where a run was not asked to test them."""
    if any(row["promise"] == AA for row in rows):
        for title, columns, lines in sections(rows):
            print_table(title, columns, lines)
