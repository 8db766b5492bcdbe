"""Duels: the ratios of blocks become a median, its interval, and a verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from ..timings import COMPARISON, key_of

Array = NDArray[np.float64]
Record = Mapping[str, Any]
Row = dict[str, Any]
Prove = Callable[[Sequence[Record]], tuple[str, str | None]]

CONFIDENCE = 0.95
MARGIN = 0.02
"""A smaller difference is not claimed: two builds of the same code may differ by as much, by where their arrays lie."""

HARNESS_SHARE = 0.01
"""Where the harness itself takes more of a call than this, what it takes is subtracted."""

COMPARISON_COLUMNS = (
    *("duel", "question", "entry", "against", "ms", "against_ms"),
    *("ratio", "lower", "upper", "blocks", "subtracted_ns", "verdict", "reason"),
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
    records: Iterable[Record], prove: Prove, against: Callable[[int], int] = lambda entry: 0
) -> list[Row]:
    """One row per try and entry but the first.

    Columns: `duel`, `question`; `entry` and `against`, keys of timings; `ms` per call, and `against_ms`; `ratio` = its
    time ÷ that of `against`, the median over the blocks, within `lower` and `upper`; `blocks`; `subtracted_ns` per
    call, what the harness adds where that is over 1 %; `verdict` (`faster`, `slower`, `same`, or what kept it from
    being measured), `reason`.

    Args:
        records: of one run; those of another kind are passed over.
        prove: the verdict on records as those of one timing, each with `before` and `after`, and its reason.
        against: entry → which entry it is held against.
    """
    rows: list[Row] = []
    for record in records:
        if record.get("kind") != COMPARISON:
            continue
        for index in range(1, len(record["entries"])):
            rows += entry_rows(record, index, against(index), prove)
    return rows


def entry_rows(record: Record, index: int, other: int, prove: Prove) -> list[Row]:
    """The rows of one entry of a record against another: one per try, or one that says why there is none."""
    entries = record["entries"]
    row: Row = dict.fromkeys(COMPARISON_COLUMNS)
    row |= {name: record[name] for name in ("duel", "question")}
    row |= {"entry": key_of(entries[index]), "against": key_of(entries[other])}
    if not record["outcomes"]:
        return [{**row, "verdict": record["status"], "reason": record["reason"]}]
    for which in (index, other):
        found = {**entries[which], **record["outcomes"][which], "pass": record["build"]}
        verdict, reason = prove([found])
        if verdict != "equal":
            return [{**row, "verdict": verdict, "reason": reason}]
    rows = []
    for blocks in record["blocks_ns"]:
        ns = np.array([[block[other], block[index]] for block in blocks], float)
        added = np.array([record["outcomes"][which].get("harness_ns", 0.0) for which in (other, index)])
        added *= added > HARNESS_SHARE * np.median(ns, axis=0)
        ns -= added
        ratio, lower, upper = interval(ns[:, 1] / ns[:, 0])
        figures = {"ratio": ratio, "lower": lower, "upper": upper}
        figures |= dict(zip(("against_ms", "ms"), np.median(ns, axis=0) / 1e6, strict=True))
        figures |= {"blocks": len(ns), "subtracted_ns": float(added[1])}
        rows.append({**row, **figures, "verdict": verdict_of(lower, upper)})
    return rows


def step_rows(records: Iterable[Record], prove: Prove) -> list[Row]:
    """The rungs of every ladder, each against the rung before it.

    Columns: those of `duel_rows`; `backend`, `workload`, `stage`, `batch`, `dtype`; the mode at its `start`, which is
    what is published, or eager where nothing is, and has no row of its own; `rung`, and what it `adds` in words;
    `of_published`, `of_published_lower`, `of_published_upper`: its time ÷ that of the start.
    """
    tuned_stages = [r for r in records if r.get("kind") == COMPARISON and r["question"] == "ladder"]
    rows = []
    for record in tuned_stages:
        compared = comparison_rows([record], prove, against=lambda entry: entry - 1)
        whole = {row["entry"]: row for row in comparison_rows([record], prove)}
        keys = [key_of(entry) for entry in record["entries"]]
        names = {key: entry.get("rung") or entry["mode"] for key, entry in zip(keys, record["entries"], strict=True)}
        adds = dict(zip(keys, record["labels"], strict=False))
        for row in compared:
            first = whole[row["entry"]]
            published = {
                "of_published": first["ratio"],
                "of_published_lower": first["lower"],
                "of_published_upper": first["upper"],
            }
            about = {name: record["entries"][-1][name] for name in WHOSE}
            about |= {
                "start": record["entries"][0]["mode"],
                "rung": names[row["entry"]],
                "adds": adds.get(row["entry"]),
            }
            rows.append({**row, **about, **published})
    return rows


def fastest_steps(records: Iterable[Record], prove: Prove) -> dict[tuple[str, str, str, int, str], str]:
    """(backend, workload, stage, batch, dtype) → the rung with the lowest median, of those that are proven equal."""
    best: dict[tuple[str, str, str, int, str], tuple[float, str]] = {}
    for record in records:
        if record.get("kind") != COMPARISON or record["question"] != "ladder" or not record["outcomes"]:
            continue
        for index, entry in enumerate(record["entries"]):
            found = {**entry, **record["outcomes"][index], "pass": record["build"]}
            ns = [block[index] for blocks in record["blocks_ns"] for block in blocks if block[index] is not None]
            if not entry.get("rung") or not ns or prove([found])[0] != "equal":
                continue
            key = entry["backend"], entry["workload"], entry["stage"], entry["batch"], entry["dtype"]
            best[key] = min(best.get(key, (float("inf"), "")), (float(np.median(ns)), entry["rung"]))
    return {key: last_step for key, (_, last_step) in best.items()}
