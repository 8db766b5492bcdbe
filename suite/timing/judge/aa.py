"""What paired timings are worth: how often they call the same cell different, and how often a slowed one slower."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest

from ..aa import AA
from ..records import ArmRecord, ComparisonRecord, Measured
from .comparisons import CONFIDENCE, Prove, entry_rows, interval

Row = dict[str, Any]

PLANTED = "planted"
MOST_DIFFERENT = 0.05
LEAST_SLOWER = 0.95
RATIO = 0.02
"""The median ratio of A/A is within so much of 1."""
OFF = 0.01
"""A cell that was slowed by a share that differs by more from what was asked is no try of it."""

COLUMNS = (
    *("promise", "backend", "device", "tries", "called", "rate", "rate_lower", "rate_upper"),
    *("ratio", "ratio_lower", "ratio_upper", "slowed_by", "off", "lost", "holds", "reason"),
)


def aa_rows(records: Iterable[Measured], prove: Prove) -> list[Row]:
    """The rows of trust.csv, of A/A and of planted slowness: one per backend, and one of all where there are several.

    `called` of `tries` were called different, or slower: `rate`, with its Clopper-Pearson bounds; `ratio` is the median
    over the tries, with its interval. Tries that were slowed by another share than was asked (`off`) are counted apart;
    so are those that were not measured, or not of what is proven equal (`lost`), and where there are any, no test
    passes.

    Args:
        records: of one run; those of another kind are passed over.
        prove: as `comparison_rows` takes it.
    """
    tested = [record for record in records if isinstance(record, ComparisonRecord) and is_aa(record)]
    repetitions = [repetition for record in tested for repetition in _repetitions(record, prove)]
    rows: list[Row] = []
    for test in (AA, PLANTED):
        own = [repetition for repetition in repetitions if repetition.test == test]
        backends = list(dict.fromkeys(repetition.arm.backend for repetition in own))
        rows += [_row([r for r in own if r.arm.backend == backend]) for backend in backends]
        if len(backends) > 1:
            rows.append(_row(own) | {"backend": None})
    return rows


def broken(rows: Iterable[Row]) -> bool:
    """Whether some test of the timings fails."""
    return any(not row["holds"] for row in rows)


def is_aa(record: Measured) -> bool:
    """Whether a record is of a comparison that tests the timings themselves."""
    return isinstance(record, ComparisonRecord) and record.question == AA


@dataclass(frozen=True)
class _Repetition:
    """The tries of one arm of one build.

    Attributes:
        test: `aa` or `planted`.
        arm: what was timed.
        tries: (ratio, verdict) of each that counts.
        slowed_by: the share by which its calls were slowed.
        off: how many do not count, since they were slowed by something else.
        lost: how many were not measured, or not of what is proven equal.
        reason: why those are lost.
    """

    test: str
    arm: ArmRecord
    tries: tuple[tuple[float, str], ...]
    slowed_by: float | None
    off: int
    lost: int
    reason: str | None


def _repetitions(record: ComparisonRecord, prove: Prove) -> Iterable[_Repetition]:
    """Every entry of a record but the first, against the first."""
    for index, arm in list(enumerate(record.entries))[1:]:
        rows = entry_rows(record, index, 0, prove)
        tries = [(row["ratio"], row["verdict"]) for row in rows if row["ratio"] is not None]
        lost = record.tries - len(tries)
        asked = arm.slowed
        slowed_by = record.outcomes[index].slowed_by if asked and tries else None
        off = slowed_by is not None and abs(slowed_by - asked) > OFF
        yield _Repetition(
            test=PLANTED if asked else AA,
            arm=arm,
            tries=() if off else tuple(tries),
            slowed_by=slowed_by,
            off=len(tries) if off else 0,
            lost=lost,
            reason=f"{rows[0]['verdict']}: {rows[0]['reason']}" if lost else None,
        )


def _row(repetitions: Sequence[_Repetition]) -> Row:
    first = repetitions[0]
    tries = [found for repetition in repetitions for found in repetition.tries]
    called = sum(verdict == "slower" if first.test == PLANTED else verdict != "same" for _, verdict in tries)
    slowed = [repetition.slowed_by for repetition in repetitions if repetition.slowed_by is not None]
    row: Row = dict.fromkeys(COLUMNS) | {"promise": first.test}
    row |= {"backend": first.arm.backend, "device": first.arm.device}
    row |= {"tries": len(tries), "called": called, "slowed_by": statistics.median(slowed) if slowed else None}
    row |= {name: sum(getattr(repetition, name) for repetition in repetitions) for name in ("off", "lost")}
    if tries:
        bounds = binomtest(called, len(tries)).proportion_ci(CONFIDENCE, method="exact")
        ratio, lower, upper = interval(np.array([ratio for ratio, _ in tries]))
        row |= {"rate": called / len(tries), "rate_lower": float(bounds.low), "rate_upper": float(bounds.high)}
        row |= {"ratio": ratio, "ratio_lower": lower, "ratio_upper": upper}
    return row | {"holds": bool(tries) and not row["lost"] and _holds(row), "reason": _apart(repetitions)}


def _holds(row: Row) -> bool:
    if row["promise"] == PLANTED:
        return bool(row["rate"] >= LEAST_SLOWER)
    return bool(row["rate"] <= MOST_DIFFERENT and 1 - RATIO <= row["ratio"] <= 1 + RATIO)


def _apart(repetitions: Sequence[_Repetition]) -> str | None:
    """How many tries do not count, and why."""
    counts: Counter[str] = Counter()
    for repetition in repetitions:
        if repetition.reason:
            counts[repetition.reason] += repetition.lost
    said = [f"{_tries(count)}: {reason}" for reason, count in counts.items()]
    if shares := [
        repetition.slowed_by for repetition in repetitions if repetition.off and repetition.slowed_by is not None
    ]:
        off = _tries(sum(r.off for r in repetitions))
        said.append(f"{off}: slowed by {min(shares):.1%} to {max(shares):.1%}")
    return "; ".join(said) or None


def _tries(count: int) -> str:
    return f"{count} {'try' if count == 1 else 'tries'}"
