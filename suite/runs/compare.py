"""Two runs: what changed from one to the other (`compare`), and whether their figures agree (`report --against`)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from ..equality.judge import by_cell, cell_verdict
from ..reference.errors import BadInput
from ..reference.files import write_text
from ..report.console import print_json, print_table, stderr
from ..report.options import AsJson
from ..report.tables import FAILING, frame, markdown, rows_if_any, write_table
from ..timing.judge.throughput import CELL
from ..workers.run_folder import RunFolder
from ..workers.run_settings import RunSettings

LEVEL = 0.95
"""The probability that all intervals of a comparison contain the true ratios together."""
AGREEING = 0.95
"""The share of cells in which another run on the same machine must agree."""
_FIGURES = ("images_per_second", "lower", "upper")
COLUMNS = (*CELL, *_FIGURES, *(f"other_{name}" for name in _FIGURES), "ratio", "agrees", "stable")
SHOWN = (
    "workload",
    "stage",
    "batch",
    "notation",
    "backend",
    "dtype",
    "mode",
    "rung",
    "ratio",
    "agrees",
    "stable",
)
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Changed:
    """A verdict that another run does not repeat.

    Attributes:
        of: `cell` or `claim`.
        what: its fields in words.
        before, after: the verdicts.
        worse: whether the verdict fails only in the second run, or was `equal` only in the first.
    """

    of: str
    what: str
    before: str
    after: str
    worse: bool


@dataclass(frozen=True)
class Figure:
    """A timing that both runs have.

    Attributes:
        what: the fields of the cell in words.
        before, after: images per second.
        ratio: after ÷ before, of the geometric means of the processes.
        lower, upper: bounds of the ratio; NaN where a run has a single process.
        verdict: faster or slower where the interval is beyond 1, same where it holds 1, unknown without an interval.
    """

    what: str
    before: float
    after: float
    ratio: float
    lower: float
    upper: float
    verdict: str


@dataclass(frozen=True)
class Comparison:
    """The changes from one run to another.

    Attributes:
        compared: how many cells and claims have a verdict in both runs.
        alone: how many have one only in the first, and only in the second.
        verdicts: the verdicts that changed.
        figures: all figures that both runs have.
    """

    compared: int
    alone: tuple[int, int]
    verdicts: list[Changed]
    figures: list[Figure]

    @property
    def worse(self) -> bool:
        return any(each.worse for each in self.verdicts)


def compare(
    run_a: Annotated[Path, typer.Argument(help="The run folder before the change.", show_default=False)],
    run_b: Annotated[Path, typer.Argument(help="The run folder after the change.", show_default=False)],
    across_machines: Annotated[
        bool, typer.Option("--across-machines", help="Compare runs of different machines too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what changed from one run to another; exit with 1 where a verdict is worse, or a run lacks records."""
    found = comparison(run_a, run_b, across_machines=across_machines)
    if as_json:
        print_json({"schema": 1, "runs": [str(run_a), str(run_b)], "level": LEVEL, **asdict(found)})
    else:
        _print(found)
    incomplete = {folder: lacking for folder in (run_a, run_b) if (lacking := RunFolder(folder).lacking())}
    for folder, lacking in incomplete.items():
        stderr.print(f"incomplete: {folder}: {lacking}", soft_wrap=True)
    raise typer.Exit(int(found.worse or bool(incomplete)))


def comparison(before: Path, after: Path, *, across_machines: bool = False) -> Comparison:
    """Hold one run's verdicts and figures against another's.

    Raises:
        BadInput: a folder is no run, a table cannot be read, the two have no table in common, or they were made on
            different machines and `across_machines` is False.
    """
    machines = [_machine(RunFolder(folder).settings()) for folder in (before, after)]
    if machines[0] != machines[1] and not across_machines:
        raise BadInput(
            f"{after}: expected a run of the machine of {before} ({machines[0]}); found {machines[1]}: "
            "--across-machines compares them"
        )
    one, other = _verdicts(before), _verdicts(after)
    both = [key for key in one if key in other]
    changed = [_changed(*key, one[key], other[key]) for key in both if one[key] != other[key]]
    timed = timed_in_both(*(rows_if_any(folder / "throughput.parquet") for folder in (before, after)))
    # Intervals that hold together: Bonferroni's, over their number.
    figures = [_figure(*rows, 1 - (1 - LEVEL) / len(timed)) for rows in timed]
    if not both and not figures:
        raise BadInput(f"{after}: expected verdicts or figures that {before} has too; found none")
    return Comparison(len(both), (len(one) - len(both), len(other) - len(both)), changed, figures)


def _machine(settings: RunSettings) -> str:
    """Virtual machines give processors of several generations one name; what each can do tells them apart."""
    processor = f"{settings.cpu or 'unknown processor'} with {' '.join(settings.cpu_features) or 'no known features'}"
    return ", ".join((processor, f"{settings.cpus} CPUs", settings.gpu or "no GPU"))


def _verdicts(folder: Path) -> dict[tuple[str, str], str]:
    """(`cell` or `claim`, its fields in words) → its verdict; of several claims of one name the one that fails."""
    cells = by_cell(rows_if_any(folder / "equivalence.parquet"))
    found = {
        ("cell", " ".join(word for name, word in cell.as_json().items() if name != "framework")): cell_verdict(rows)
        for cell, rows in cells.items()
    }
    for row in rows_if_any(folder / "claims.parquet"):
        key = ("claim", " ".join(row[field] for field in ("notation", "symbol", "field", "backend")))
        if found.get(key) not in FAILING:
            found[key] = row["verdict"]
    return found


def _changed(of: str, what: str, before: str, after: str) -> Changed:
    return Changed(of, what, before, after, (after in FAILING and before not in FAILING) or before == "equal")


def timed_in_both(before: Sequence[Row], after: Sequence[Row]) -> list[tuple[Row, Row]]:
    """The rows of throughput of the cells that have a figure in both runs, in the order of the first."""
    one, other = ({_key(row): row for row in rows if row["images_per_second"] is not None} for rows in (before, after))
    return [(row, other[key]) for key, row in one.items() if key in other]


def _key(row: Row) -> tuple[str, ...]:
    return tuple(str(row.get(name) or "") for name in CELL)


def _figure(before: Row, after: Row, level: float) -> Figure:
    """The ratio of two timings with Welch's interval, of the logarithms of the processes' figures."""
    a, b = (np.log(np.asarray(row["by_process"], float)) for row in (before, after))
    ratio = float(np.exp(b.mean() - a.mean()))
    lower, upper = math.nan, math.nan
    if min(len(a), len(b)) > 1 and (a.std() or b.std()):
        from scipy.stats import ttest_ind  # its import takes two seconds

        interval = ttest_ind(b, a, equal_var=False).confidence_interval(level)
        lower, upper = (float(np.exp(bound)) for bound in (interval.low, interval.high))
    verdict = "faster" if lower > 1 else "slower" if upper < 1 else "unknown" if math.isnan(lower) else "same"
    what = " ".join(filter(None, _key(before)))
    return Figure(what, before["images_per_second"], after["images_per_second"], ratio, lower, upper, verdict)


def _print(found: Comparison) -> None:
    print(f"verdicts: {len(found.verdicts)} of {found.compared} changed")
    if any(found.alone):
        print(f"only in the first run: {found.alone[0]}; only in the second: {found.alone[1]}")
    if found.verdicts:
        rows = [(each.of, each.what, each.before, each.after, "worse" if each.worse else "") for each in found.verdicts]
        print_table("What changed", ("of", "what", "before", "after", "change"), rows)
    _print_figures(found.figures)


def _print_figures(figures: Sequence[Figure]) -> None:
    count: Callable[[str], int] = [figure.verdict for figure in figures].count
    words = ", ".join(f"{count(word)} {word}" for word in ("faster", "slower", "same", "unknown") if count(word))
    print(f"figures: {len(figures)} in both runs{f' ({words})' if words else ''}")
    unseen = [(figure.upper / figure.lower) ** 0.5 for figure in figures if figure.verdict == "same"]
    if unseen:
        print(
            f"same says no more than this: changes by a factor below {min(unseen):.3g} to {max(unseen):.3g} go unseen"
        )
    changed = [figure for figure in figures if figure.verdict in ("faster", "slower")]
    if changed:
        rows = []
        for each in sorted(changed, key=lambda each: each.ratio):
            numbers = f"{each.before:,.0f}", f"{each.after:,.0f}", f"{each.ratio:.3g}"
            rows.append((each.what, each.verdict, *numbers, f"{each.lower:.3g}–{each.upper:.3g}"))
        title = f"Images per second; all {len(figures)} intervals hold together with {LEVEL:.0%}"
        print_table(title, ("timing", "verdict", "before", "after", "ratio", "interval"), rows)


def agreement(one: Sequence[Row], other: Sequence[Row]) -> list[dict[str, Any]]:
    """A row per cell that has a figure in both runs, in the order of the first.

    Its columns are those of the cell; the images per second of both runs within `lower` and `upper`; `ratio`, the
    first ÷ the other; `agrees`, whether the intervals have a number in common; `stable`, whether both figures are.

    Args:
        one, other: rows of throughput.parquet.
    """
    return [_beside(*both) for both in timed_in_both(one, other)]


def _beside(row: Row, other: Row) -> dict[str, Any]:
    figures = {name: row.get(name) for name in (*CELL, *_FIGURES)} | {f"other_{name}": other[name] for name in _FIGURES}
    return figures | {
        "ratio": row["images_per_second"] / other["images_per_second"],
        "agrees": row["lower"] <= other["upper"] and other["lower"] <= row["upper"],
        "stable": row["stable"] and other["stable"],
    }


def agreement_text(rows: Sequence[Row]) -> str:
    """One line: how many cells agree, and how far apart the others are at most."""
    if not rows:
        return "no cell has a figure in both runs"
    apart = _apart(rows)
    agreeing = len(rows) - len(apart)
    text = f"{agreeing} of {len(rows)} cells agree within their intervals ({agreeing / len(rows):.1%}; "
    text += f"promised on one machine: {AGREEING:.0%})"
    return f"{text}; the others are up to {_ratio(apart[0]):.2f}× apart" if apart else text


def write_agreement(rows: Sequence[Row], other: str, folder: Path) -> None:
    """Write agreement.csv, .parquet and .md of a run; .md has only the cells that do not agree with the other run's."""
    write_table(frame(rows, COLUMNS), folder / "agreement")
    text = f"# Against another run\n\nThis run and {other}: {agreement_text(rows)}.\n"
    if apart := _apart(rows):
        text += "\nThose that do not; *ratio* is this run's images per second ÷ the other's.\n\n"
        text += markdown(frame(apart, COLUMNS)[list(SHOWN)])
    write_text(folder / "agreement.md", text)


def _apart(rows: Sequence[Row]) -> list[Row]:
    """The cells whose figures do not agree, the furthest apart first."""
    return sorted((row for row in rows if not row["agrees"]), key=_ratio, reverse=True)


def _ratio(row: Row) -> float:
    """The larger of two figures ÷ the smaller."""
    return max(float(row["ratio"]), 1 / float(row["ratio"]))
