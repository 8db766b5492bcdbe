"""Paired comparisons: the ratios of blocks become a median, its interval, and a verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from ..asked import STEPS
from ..records import ComparisonRecord, Measured, ThroughputRecord

Array = NDArray[np.float64]
Row = dict[str, Any]
Prove = Callable[[Sequence[ThroughputRecord]], tuple[str, str | None]]

CONFIDENCE = 0.95
MARGIN = 0.02
"""A smaller difference is not claimed: two builds of the same code may differ by as much, by where their arrays lie."""

COMPARISON_COLUMNS = (
    *("duel", "question", "entry", "against", "ms", "against_ms"),
    *("ratio", "lower", "upper", "blocks", "verdict", "reason"),
)
WHOSE = ("backend", "workload", "stage", "batch", "dtype")
STEP_COLUMNS = (
    *COMPARISON_COLUMNS,
    *WHOSE,
    *("start", "rung", "adds", "of_published", "of_published_lower", "of_published_upper"),
)


def interval(ratios: Array) -> tuple[float, float, float]:
    """(median, lower, upper) by order statistics: no distribution is assumed.

    Of n independent samples, the k-th lowest and k-th highest enclose the median with probability
    1 − 2·P(Binomial(n, ½) < k); k is the largest for which that is CONFIDENCE. Below six samples there is none: (−∞, ∞)
    becomes (0, ∞), since ratios are positive.

    Args:
        ratios: [block].
    """
    ordered, count = np.sort(ratios), len(ratios)
    k = int(binom.ppf((1 - CONFIDENCE) / 2, count, 0.5))
    if k < 1 or 2 * binom.cdf(k - 1, count, 0.5) > 1 - CONFIDENCE:
        return float(np.median(ordered)), 0.0, float("inf")
    return float(np.median(ordered)), float(ordered[k - 1]), float(ordered[count - k])


def verdict_of(lower: float, upper: float) -> str:
    """`slower` or `faster` where all of the interval is beyond 1 by more than MARGIN, else `same`."""
    if lower > 1 + MARGIN:
        return "slower"
    return "faster" if upper < 1 / (1 + MARGIN) else "same"


def comparison_rows(
    records: Iterable[Measured], prove: Prove, against: Callable[[int], int] = lambda entry: 0
) -> list[Row]:
    """One row per try and entry but the first.

    Columns: `duel`, `question`; `entry` and `against`, keys of timings; `ms` per call, and `against_ms`; `ratio` = its
    time ÷ that of `against`, the median over the blocks, within `lower` and `upper`; `blocks`; `verdict` (`faster`,
    `slower`, `same`, or what kept it from being measured), `reason`.

    Args:
        records: of one run; those of another kind are passed over.
        prove: the verdict on records as those of one timing, each with `before` and `after`, and its reason.
        against: entry → which entry it is held against.
    """
    rows: list[Row] = []
    for record in records:
        if not isinstance(record, ComparisonRecord):
            continue
        for index in range(1, len(record.entries)):
            rows += entry_rows(record, index, against(index), prove)
    return rows


def entry_rows(record: ComparisonRecord, index: int, other: int, prove: Prove) -> list[Row]:
    """The rows of one entry of a record against another: one per try, or one that says why there is none."""
    keys = [arm.timing.key for arm in record.entries]
    row: Row = dict.fromkeys(COMPARISON_COLUMNS)
    row |= {"duel": record.name, "question": record.question, "entry": keys[index], "against": keys[other]}
    if not record.outcomes:
        return [{**row, "verdict": record.status, "reason": record.reason}]
    for which in (index, other):
        verdict, reason = prove([record.of_arm(which)])
        if verdict != "equal":
            return [{**row, "verdict": verdict, "reason": reason}]
    rows = []
    for blocks in record.blocks_ns:
        ns = np.array([[block[other], block[index]] for block in blocks], float)
        ratio, lower, upper = interval(ns[:, 1] / ns[:, 0])
        figures = {"ratio": ratio, "lower": lower, "upper": upper}
        figures |= dict(zip(("against_ms", "ms"), np.median(ns, axis=0) / 1e6, strict=True))
        rows.append({**row, **figures, "blocks": len(ns), "verdict": verdict_of(lower, upper)})
    return rows


def step_rows(records: Iterable[Measured], prove: Prove) -> list[Row]:
    """The optimisation steps of every stage, each against the step before it.

    Columns: those of `comparison_rows`; `backend`, `workload`, `stage`, `batch`, `dtype`; the mode at its `start`,
    which is what is published, or eager where nothing is, and has no row of its own; `rung`, the step, and what it
    `adds` in words; `of_published`, `of_published_lower`, `of_published_upper`: its time ÷ that of the start.
    """
    rows = []
    for record in of_steps(records):
        keys = [arm.timing.key for arm in record.entries]
        names = {key: arm.last_step or arm.mode for key, arm in zip(keys, record.entries, strict=True)}
        adds = dict(zip(keys, record.labels, strict=False))
        whole = {row["entry"]: row for row in comparison_rows([record], prove)}
        about = {name: getattr(record.entries[-1], name) for name in WHOSE} | {"start": record.entries[0].mode}
        for row in comparison_rows([record], prove, against=lambda entry: entry - 1):
            first, step = whole[row["entry"]], {"rung": names[row["entry"]], "adds": adds.get(row["entry"])}
            published = {
                "of_published": first["ratio"],
                "of_published_lower": first["lower"],
                "of_published_upper": first["upper"],
            }
            rows.append({**row, **about, **step, **published})
    return rows


def of_steps(records: Iterable[Measured]) -> list[ComparisonRecord]:
    """The comparisons of optimisation steps."""
    return [record for record in records if isinstance(record, ComparisonRecord) and record.question == STEPS]


def fastest_steps(records: Iterable[Measured], prove: Prove) -> dict[tuple[str, str, str, int, str], str]:
    """(backend, workload, stage, batch, dtype) → the step with the lowest median, of those that are proven equal."""
    best: dict[tuple[str, str, str, int, str], tuple[float, str]] = {}
    for record in of_steps(records):
        for index, arm in enumerate(record.entries):
            ns = times_of(record, index)
            if not arm.last_step or not ns or prove([record.of_arm(index)])[0] != "equal":
                continue
            key = arm.backend, arm.workload, arm.stage, arm.batch, arm.dtype
            best[key] = min(best.get(key, (float("inf"), "")), (float(np.median(ns)), arm.last_step))
    return {key: step for key, (_, step) in best.items()}


def times_of(record: ComparisonRecord, index: int) -> list[float]:
    """Nanoseconds per call of an arm in all blocks of all tries; none where it was lost."""
    return [ns for blocks in record.blocks_ns for block in blocks if (ns := block[index]) is not None]
