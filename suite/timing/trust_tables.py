"""What the timings of a run are worth: A/A, planted slowness, and the harness's own cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ..report.console import print_table
from ..report.tables import frame, markdown, write_table, write_whole
from .judge.trust import COLUMNS, PLANTED, Row
from .measure.harness import BENCHMARK
from .timings import HARNESS
from .trust import AA

_QUESTION = ("backend", "stage", "mode", "tries", "{called}", "rate (95 %)", "median ratio (95 %)", "apart", "holds")
SHOWN = {
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
    """(title, columns, lines as people read them) of every promise that the rows are about."""
    found = []
    for promise, title in TITLES.items():
        own = [row for row in rows if row["promise"] == promise]
        if own:
            line = _cost if promise == HARNESS else _question
            found.append((title, SHOWN[promise], [line(row) for row in own]))
    return found


def write_trust(rows: Sequence[Row], folder: Path) -> None:
    """trust.csv, .parquet and .md.

    Args:
        rows: of `analysis.trust.trust_rows`.
        folder: the run's.
    """
    write_table(frame(rows, COLUMNS), folder / "trust")
    asked = any(row["promise"] == AA for row in rows)
    text = "# What these timings are worth\n" + (f"\n{TRIES}\n" if asked else "")
    legends = {TITLES[promise]: legend for promise, legend in LEGENDS.items()}
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


def print_trust(rows: Sequence[Row]) -> None:
    """What the timings are worth; nothing where a run was not asked to test them."""
    if any(row["promise"] == AA for row in rows):
        for title, columns, lines in sections(rows):
            print_table(title, columns, lines)
