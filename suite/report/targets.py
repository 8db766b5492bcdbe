"""The speed to reach: the table of targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..analysis.targets import COLUMNS, MISSED
from .tables import frame, markdown, write_table, write_whole

SHOWN = ("target", "at least", "found", "interval", "verdict", "by", "at the roof", "at its library's rate")

LEGEND = """\
What a tuned VAE should gain, and what this run found; `{command}` repeats it. *÷ published*, *÷ `fit`*, *÷ eager* are
ratios of times within one process, in alternating blocks (`ladders.md` has the steps that lead there), with a 95 %
interval; the others are ratios of throughputs: the median over the processes in which both were timed, or, of two
backends, the ratio of the medians over processes with the quotients of their bounds. *At the roof*: what the ratio
would be if the tuned stage took no longer than its matrix products, one by one, at the best rate that any installed
library reached on their shapes in this run; *at its library's rate*: at the best rate of the framework's own products.
A target beyond these asks for more than faster code around the same products can give. One by one, products pay for a
call each, so that a stage compiled as a whole may be faster than they are."""


def write_targets(rows: Sequence[dict[str, Any]], settings: Mapping[str, Any], folder: Path) -> None:
    """targets.csv, .parquet and .md.

    Args:
        rows: of `analysis.targets.target_rows`.
        settings: of the run.
        folder: the run's.
    """
    write_table(frame(rows, COLUMNS), folder / "targets")
    options = settings["options"]
    command = f"elbostone {options['verb']}" + (" --full" if options["full"] else "")
    machine = f"{settings['cpu']}, {options['threads']} threads; {settings['gpu'] or 'no GPU'}."
    text = f"# The speed to reach\n\n{machine} {LEGEND.format(command=command)}\n\n"
    text += markdown(pd.DataFrame([_shown(row) for row in rows], columns=list(SHOWN)))
    write_whole(folder / "targets.md", lambda path: path.write_text(text, encoding="utf-8"))


def _shown(row: Mapping[str, Any]) -> list[str]:
    share = row["share"]
    figures = [_found(row), "" if row["lower"] is None else _interval(row, share)]
    return [
        *(row["target"], _figure(row["at_least"], share), *figures, row["verdict"], row["by"] or ""),
        *(_figure(row[name], share=False) for name in ("at_the_roof", "at_its_librarys_rate")),
    ]


def _found(row: Mapping[str, Any]) -> str:
    """What was found, with one digit more where what is not reached would be rounded to the target."""
    value, share = row["found"], row["share"]
    figure = _figure(value, share)
    if row["verdict"] == MISSED and figure == _figure(row["at_least"], share):
        return f"{value:.1%}" if share else f"{value:.4g}×"
    return figure


def _figure(value: float | None, share: bool) -> str:
    if value is None:
        return ""
    return f"{value:.0%}" if share else f"{value:.3g}×"


def _interval(row: Mapping[str, Any], share: bool) -> str:
    return f"{_figure(row['lower'], share)} – {_figure(row['upper'], share)}"
