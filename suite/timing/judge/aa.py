"""Reliability of the figures: how often identical cells are called different, and slowed cells slower."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..aa import AGAIN, FIRST, SLOWED
from .ratios import CONFIDENCE, interval, time_ratio, verdict_of
from .throughput import CELL

Row = dict[str, Any]

AA, PLANTED = "aa", "planted"
MOST_DIFFERENT = 0.05
LEAST_SLOWER = 0.95
RATIO = 0.02
"""The largest distance of the median A/A ratio from 1."""

COLUMNS = (
    *("promise", "backend", "device", "tries", "called", "rate", "rate_lower", "rate_upper"),
    *("ratio", "ratio_lower", "ratio_upper", "lost", "holds", "reason"),
)


@dataclass(frozen=True)
class _Try:
    """The paired comparison of an arm with the first arm of its try.

    Attributes:
        question: `aa` or `planted`.
        backend, device: the cell's.
        ratio: the arm's time ÷ the first arm's time; None where one of them has no figure.
        verdict: `faster`, `slower`, `same`; or the reason why the try is lost.
    """

    question: str
    backend: str
    device: str
    ratio: float | None
    verdict: str


def aa_rows(arms: Iterable[Row]) -> list[Row]:
    """The rows of trust.csv: for each question a row per backend, and a row of all backends where there are several.

    `called` of `tries` were called different, or slower; `rate` is their share, with its Clopper-Pearson bounds;
    `ratio` is the median over the tries, with its interval. Tries that were not measured, or whose cell is not proven
    equal, are `lost`; where there are any, no limit holds.

    Args:
        arms: rows of throughput, each with its `arm`.
    """
    tries: dict[tuple[Any, ...], dict[str, Row]] = {}
    for row in arms:
        number, _, arm = row["arm"].partition("-")
        tries.setdefault((number, *(row[name] for name in CELL)), {})[arm] = row
    found = [_judged(own, arm, name) for name, arm in ((AA, AGAIN), (PLANTED, SLOWED)) for own in tries.values()]
    rows: list[Row] = []
    for question in (AA, PLANTED):
        own = [one for one in found if one.question == question]
        backends = list(dict.fromkeys(one.backend for one in own))
        rows += [_row([one for one in own if one.backend == backend]) for backend in backends]
        if len(backends) > 1:
            rows.append(_row(own) | {"backend": None})
    return rows


def broken(rows: Iterable[Row]) -> bool:
    """Whether any limit of the A/A test does not hold."""
    return any(not row["holds"] for row in rows)


def _judged(own: dict[str, Row], arm: str, question: str) -> _Try:
    where = next(iter(own.values()))
    lost = [f"{row['verdict']}: {row['reason']}" for row in own.values() if row["images_per_second"] is None]
    if lost or not {FIRST, arm} <= own.keys():
        return _Try(question, where["backend"], where["device"], None, lost[0] if lost else "missing: an arm")
    ratio, lower, upper = time_ratio(own[arm], own[FIRST])
    return _Try(question, where["backend"], where["device"], ratio, verdict_of(lower, upper))


def _row(tries: Sequence[_Try]) -> Row:
    first = tries[0]
    ratios = [one.ratio for one in tries if one.ratio is not None]
    verdicts = [one.verdict for one in tries if one.ratio is not None]
    called = sum(verdict == "slower" if first.question == PLANTED else verdict != "same" for verdict in verdicts)
    lost = Counter(one.verdict for one in tries if one.ratio is None)
    row: Row = dict.fromkeys(COLUMNS) | {"promise": first.question, "backend": first.backend, "device": first.device}
    row |= {"tries": len(ratios), "called": called, "lost": lost.total(), "holds": False}
    row["reason"] = "; ".join(f"{count} lost: {reason}" for reason, count in lost.items()) or None
    if not ratios:
        return row
    from scipy.stats import binomtest  # its import takes two seconds, and A/A is judged rarely

    bounds = binomtest(called, len(ratios)).proportion_ci(CONFIDENCE, method="exact")
    ratio, lower, upper = interval(np.array(ratios))
    row |= {"rate": called / len(ratios), "rate_lower": float(bounds.low), "rate_upper": float(bounds.high)}
    row |= {"ratio": ratio, "ratio_lower": lower, "ratio_upper": upper}
    return row | {"holds": not lost and _holds(row)}


def _holds(row: Row) -> bool:
    if row["promise"] == PLANTED:
        return bool(row["rate"] >= LEAST_SLOWER)
    return bool(row["rate"] <= MOST_DIFFERENT and 1 - RATIO <= row["ratio"] <= 1 + RATIO)
