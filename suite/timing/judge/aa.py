"""What the timings are worth: how often paired ones are mistaken, and what the harness adds to each."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest

from ...backends.table import host_of
from ...workers.records import cell_of
from ..aa import AA
from ..measure.harness import BENCHMARK
from ..records import ArmRecord, ComparisonRecord, HarnessRecord, Measured
from ..timings import Timing
from .comparisons import CONFIDENCE, HARNESS_SHARE, Prove, entry_rows, interval, times_of

Row = dict[str, Any]

PLANTED, HARNESS = "planted", "harness"
MOST_DIFFERENT = 0.05
LEAST_SLOWER = 0.95
RATIO = 0.02
"""The median ratio of A/A is within so much of 1."""
OFF = 0.01
"""A cell that was slowed by a share that differs by more from what was asked is no try of it."""

COLUMNS = (
    "promise",
    "backend",
    "device",
    "stage",
    "mode",
    "cell",
    "tries",
    "called",
    "rate",
    "rate_lower",
    "rate_upper",
    "ratio",
    "ratio_lower",
    "ratio_upper",
    "slowed_by",
    "off",
    "lost",
    "path",
    "harness_ns",
    "harness_lower_ns",
    "harness_upper_ns",
    "against_ns",
    "share",
    "subtracted",
    "holds",
    "reason",
)


def aa_rows(records: Iterable[Measured], prove: Prove, speeds: Iterable[Row]) -> list[Row]:
    """The rows of trust.csv: A/A, planted slowness, and the harness's own cost.

    A/A and planted: one row per cell (a part), one per backend, and one of all where there are several backends.
    `called` of `tries` were called different, or slower: `rate`, with its Clopper-Pearson bounds; `ratio` is the median
    over the tries, with its interval. Tries that were slowed by another share than was asked (`off`) are counted apart;
    so are those that were not measured, or not of what is proven equal (`lost`), and where there are any, no test
    passes. The totals are held to the limits as they stand. A part has so few tries that chance alone may bring it
    beyond: it fails only where all of its interval is.

    Harness: one row per backend, device and way of timing. `share` is the greatest, of the quickest timing.

    Args:
        records: of one run; those of another kind are passed over.
        prove: as `comparison_rows` takes it.
        speeds: the throughput rows of the run.
    """
    records = list(records)
    tested = [record for record in records if isinstance(record, ComparisonRecord) and is_aa(record)]
    repetitions = [repetition for record in tested for repetition in _repetitions(record, prove)]
    rows: list[Row] = []
    for test in (AA, PLANTED):
        own = [repetition for repetition in repetitions if repetition.test == test]
        backends = list(dict.fromkeys(repetition.arm.backend for repetition in own))
        for backend in backends:
            group = [repetition for repetition in own if repetition.arm.backend == backend]
            cells: dict[str, list[_Repetition]] = {}
            for repetition in group:
                cells.setdefault(repetition.arm.timing.key, []).append(repetition)
            rows += [_row(of_cell, part=True) for of_cell in cells.values()]
            rows.append(_row(group))
        if len(backends) > 1:
            rows.append(_row(own) | {"backend": None})
    return rows + _harness_rows(records, list(speeds))


def broken(rows: Iterable[Row]) -> bool:
    """Whether a run was asked to test its timings, and some test fails."""
    found = list(rows)
    return any(row["promise"] == AA for row in found) and any(row["holds"] is False for row in found)


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


def _row(repetitions: Sequence[_Repetition], *, part: bool = False) -> Row:
    first = repetitions[0]
    tries = [found for repetition in repetitions for found in repetition.tries]
    called = sum(verdict == "slower" if first.test == PLANTED else verdict != "same" for _, verdict in tries)
    slowed = [repetition.slowed_by for repetition in repetitions if repetition.slowed_by is not None]
    row: Row = dict.fromkeys(COLUMNS) | {"promise": first.test}
    row |= {"backend": first.arm.backend, "device": first.arm.device}
    row |= {"tries": len(tries), "called": called, "slowed_by": statistics.median(slowed) if slowed else None}
    row |= {name: sum(getattr(repetition, name) for repetition in repetitions) for name in ("off", "lost")}
    if part:
        row |= {"stage": first.arm.stage, "mode": first.arm.mode, "cell": first.arm.timing.key}
    if tries:
        bounds = binomtest(called, len(tries)).proportion_ci(CONFIDENCE, method="exact")
        ratio, lower, upper = interval(np.array([ratio for ratio, _ in tries]))
        row |= {"rate": called / len(tries), "rate_lower": float(bounds.low), "rate_upper": float(bounds.high)}
        row |= {"ratio": ratio, "ratio_lower": lower, "ratio_upper": upper}
    kept = bool(tries) and not row["lost"] and _kept(row, part=part)
    return row | {"holds": kept, "reason": _apart(repetitions)}


def _kept(row: Row, *, part: bool) -> bool:
    """Whether a test passes: by the figures themselves, or, of a part, by the nearest that their bounds allow."""
    least, most = (row["rate_lower"], row["rate_upper"]) if part else (row["rate"], row["rate"])
    if row["promise"] == PLANTED:
        return bool(most >= LEAST_SLOWER)
    lower, upper = (row["ratio_lower"], row["ratio_upper"]) if part else (row["ratio"], row["ratio"])
    return bool(least <= MOST_DIFFERENT and lower <= 1 + RATIO and upper >= 1 - RATIO)


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


def _harness_rows(records: Sequence[Measured], speeds: Sequence[Row]) -> list[Row]:
    found: dict[tuple[str | None, str, str], list[float]] = {}
    for record in records:
        if isinstance(record, HarnessRecord):
            found.setdefault((record.backend, record.device, record.path), []).append(record.ns)
    rows = []
    for (backend, device, path), medians in found.items():
        ns = statistics.median(medians)
        row: Row = dict.fromkeys(COLUMNS) | {"promise": HARNESS, "backend": backend, "device": device, "path": path}
        row |= {"harness_ns": ns, "harness_lower_ns": min(medians), "harness_upper_ns": max(medians)}
        own = _of_figures(speeds, row) if path == BENCHMARK else _of_comparisons(records, row)
        rows.append(row | own)
    return rows


def _timing_of(row: Row) -> Timing:
    """The timing of a throughput row."""
    how = row["rung"], row["awaited"], row["threads"]
    return Timing(cell_of({"problem": "", **row}), row["workload"], row["stage"], row["batch"], "", "", "", *how)


NOTHING: Row = {"reason": "no timing to hold it against"}


def _of_figures(speeds: Iterable[Row], harness: Row) -> Row:
    """What the harness adds to the figures of a backend: what is over HARNESS_SHARE was subtracted from them."""
    printed = [row for row in speeds if row["images_per_second"] is not None and row["harness_share"]]
    whose = harness["backend"], harness["device"]
    own = [row for row in printed if (host_of(row["backend"]), row["device"]) == whose]
    if not own:
        return NOTHING
    quickest = max(own, key=lambda row: float(row["harness_share"]))
    return {
        "cell": _timing_of(quickest).key,
        "against_ns": harness["harness_ns"] / quickest["harness_share"],
        "share": quickest["harness_share"],
        "subtracted": sum(row["harness_subtracted"] for row in own),
        "holds": all(row["harness_share"] <= HARNESS_SHARE or row["harness_subtracted"] for row in own),
    }


def _of_comparisons(records: Iterable[Measured], harness: Row) -> Row:
    """What the harness adds to the arms of a backend's comparisons, where what is over HARNESS_SHARE is subtracted.

    It can be from those alone whose record says what is added to their calls.
    """
    found: dict[str, tuple[float, float, bool]] = {}
    for record in records:
        if not isinstance(record, ComparisonRecord):
            continue
        if (record.backend, record.device) != (harness["backend"], harness["device"]):
            continue
        for index, (arm, outcome) in enumerate(zip(record.entries, record.outcomes, strict=False)):
            took = times_of(record, index)
            if took and not arm.slowed:
                median, key, known = statistics.median(took), arm.timing.key, outcome.harness_ns is not None
                added = outcome.harness_ns if outcome.harness_ns is not None else harness["harness_ns"]
                found[key] = max(found.get(key, (0.0, 0.0, True)), (added / median, median, known))
    if not found:
        return NOTHING
    cell = max(found, key=lambda key: found[key])
    share, median, _ = found[cell]
    over = [known for share, _, known in found.values() if share > HARNESS_SHARE]
    return {"cell": cell, "against_ns": median, "share": share, "subtracted": sum(over), "holds": all(over)}
