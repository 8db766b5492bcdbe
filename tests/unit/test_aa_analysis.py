"""What the timings are worth: planted records in which a limit holds, fails, or cannot be told."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from elbostone.timing.aa import AA
from elbostone.timing.judge.aa import COLUMNS, PLANTED, aa_rows, broken
from elbostone.timing.records import as_measured
from elbostone.timing.tables import sections, write_aa

BLOCKS = 20
OK = {"status": "ok", "reason": None, "before": "x", "after": "x"}


def entry(stage: str, backend: str, slowed: float = 0.0) -> dict[str, Any]:
    cell = {"problem": "tiny", "notation": "a", "framework": backend.partition("-")[0], "backend": backend}
    cell |= {"device": "cpu", "dtype": "float32", "mode": "eager"}
    timed = {"stage": stage, "workload": "tiny", "batch": 4, "rung": "", "awaited": True, "threads": "pinned"}
    return {**cell, **timed, "slowed": slowed}


def repetition(
    same: Sequence[float], slowed: Sequence[float], *, stage: str = "encoder", backend: str = "torch", by: float = 0.1
) -> dict[str, Any]:
    """A build whose tries have these ratios, block for block, of the same cell and of the slowed one."""
    tries = [[[1e6, 1e6 * a, 1e6 * b]] * BLOCKS for a, b in zip(same, slowed, strict=True)]
    about = {"kind": "duel", "duel": f"aa-{stage}-{backend}", "question": "aa", "build": 1, "status": "ok"}
    about |= {"reason": None, "labels": [], "backend": backend, "device": "cpu", "tries": len(tries), "block_s": 4e-3}
    entries = [entry(stage, backend), entry(stage, backend), entry(stage, backend, 0.1)]
    return {**about, "entries": entries, "outcomes": [OK, OK, OK | {"slowed_by": by}], "blocks_ns": tries}


def hundred(different: int = 0, unseen: int = 0, *, ratio: float = 1.0, **about: Any) -> dict[str, Any]:
    """A hundred tries: so many call the same cell different, and so many do not see that one is slowed."""
    same = [1.2] * different + [ratio] * (100 - different)
    return repetition(same, [1.0] * unseen + [1.1] * (100 - unseen), **about)


def equal(records: Sequence[Any]) -> tuple[str, str | None]:
    return "equal", None


def rows_of(*records: dict[str, Any], prove: Any = equal) -> list[dict[str, Any]]:
    return aa_rows([as_measured(record) for record in records], prove, [])


def total(test: str, *records: dict[str, Any], prove: Any = equal) -> dict[str, Any]:
    """The row of all of a limit, which is its last."""
    return [row for row in rows_of(*records, prove=prove) if row["promise"] == test][-1]


@pytest.mark.parametrize(("different", "holds"), [(0, True), (5, True), (6, False)])
def test_at_most_five_of_a_hundred_may_be_called_different(different: int, holds: bool) -> None:
    row = total(AA, hundred(different))
    assert (row["tries"], row["called"], row["rate"]) == (100, different, different / 100)
    assert row["holds"] is holds
    assert row["rate_lower"] <= row["rate"] < row["rate_upper"]


def test_the_bounds_of_a_rate_are_clopper_and_pearsons() -> None:
    row = total(AA, hundred(5))
    assert (row["rate_lower"], row["rate_upper"]) == (pytest.approx(0.0164, abs=1e-4), pytest.approx(0.1128, abs=1e-4))
    assert total(AA, hundred())["rate_upper"] == pytest.approx(1 - 0.025 ** (1 / 100))


def test_faster_is_as_wrong_as_slower() -> None:
    assert total(AA, repetition([0.8] * 6 + [1.0] * 94, [1.1] * 100))["called"] == 6


@pytest.mark.parametrize(("ratio", "holds"), [(1.02, True), (0.98, True), (1.03, False), (0.97, False)])
def test_the_median_ratio_is_within_two_percent_of_one(ratio: float, holds: bool) -> None:
    # In most tries nothing is called different: blocks that swing by a tenth leave the interval across 1.
    record = hundred(ratio=ratio)
    for blocks in record["blocks_ns"]:
        blocks[:] = [[a, b * (0.9, 1.0, 1.1)[i % 3], c] for i, (a, b, c) in enumerate(blocks)]
    row = total(AA, record)
    assert (row["called"], row["ratio"]) == (0, pytest.approx(ratio))
    assert row["holds"] is holds


@pytest.mark.parametrize(("unseen", "holds"), [(5, True), (6, False)])
def test_at_least_ninety_five_of_a_hundred_slowed_ones_are_called_slower(unseen: int, holds: bool) -> None:
    row = total(PLANTED, hundred(unseen=unseen))
    assert (row["called"], row["ratio"], row["slowed_by"]) == (100 - unseen, pytest.approx(1.1), 0.1)
    assert row["holds"] is holds


def test_a_slowed_cell_that_is_called_faster_is_not_seen() -> None:
    assert total(PLANTED, repetition([1.0] * 100, [0.5] * 100))["called"] == 0


def test_a_part_fails_only_where_all_of_its_interval_is_beyond() -> None:
    few = repetition([1.2, *[1.0] * 9], [1.1] * 10)
    part, whole = (row for row in rows_of(few) if row["promise"] == AA)
    assert (part["stage"], part["rate"], part["holds"]) == ("encoder", 0.1, True)
    assert (whole["stage"], whole["rate"], whole["holds"]) == (None, 0.1, False)
    worse = [row for row in rows_of(repetition([1.2] * 4 + [1.0] * 6, [1.0] * 10)) if row["stage"]]
    assert [(row["promise"], row["holds"]) for row in worse] == [(AA, False), (PLANTED, False)]


def test_there_is_a_row_per_cell_and_backend_and_one_of_all() -> None:
    records = [hundred(6), hundred(stage="training_step"), hundred(backend="keras-jax")]
    rows = [row for row in rows_of(*records) if row["promise"] == AA]
    assert [(row["backend"], row["stage"], row["tries"], row["called"]) for row in rows] == [
        ("torch", "encoder", 100, 6),
        ("torch", "training_step", 100, 0),
        ("torch", None, 200, 6),
        ("keras-jax", "encoder", 100, 0),
        ("keras-jax", None, 100, 0),
        (None, None, 300, 6),
    ]
    assert all(tuple(row) == COLUMNS for row in rows)


@pytest.mark.parametrize("by", [0.15, 0.08])
def test_what_was_slowed_by_another_share_is_counted_apart(by: float) -> None:
    off, right = repetition([1.0] * 4, [1.3] * 4, by=by), hundred()
    row = total(PLANTED, off, right)
    assert (row["tries"], row["called"], row["off"], row["lost"], row["holds"]) == (100, 100, 4, 0, True)
    assert row["reason"] == f"4 tries: slowed by {by:.1%} to {by:.1%}"
    assert total(AA, off, right)["tries"] == 104, "the same cell beside it was not slowed"
    alone = total(PLANTED, off)
    assert (alone["tries"], alone["off"], alone["rate"], alone["holds"]) == (0, 4, None, False)
    assert total(PLANTED, repetition([1.0], [1.1], by=0.109))["off"] == 0


def test_tries_of_what_differs_are_lost_and_no_limit_holds() -> None:
    record = hundred()
    record["outcomes"][2] = OK | {"slowed_by": 0.1, "before": "wrong"}
    wrong = lambda records: ("differs", "z[1]") if records[0].before == "wrong" else ("equal", None)  # noqa: E731
    row = total(PLANTED, record, hundred(), prove=wrong)
    assert (row["tries"], row["lost"], row["holds"]) == (100, 100, False)
    assert row["reason"] == "100 tries: differs: z[1]"
    assert total(AA, record, hundred(), prove=wrong)["holds"] is True


def test_a_build_that_died_is_lost_in_both_questions() -> None:
    record = hundred() | {"status": "failed", "reason": "signal 9", "outcomes": [], "blocks_ns": []}
    for test in (AA, PLANTED):
        row = total(test, record, hundred())
        assert (row["tries"], row["lost"], row["holds"]) == (100, 100, False)
        assert row["reason"] == "100 tries: failed: signal 9"


def harness(ns: float, path: str = "paired", backend: str = "torch") -> dict[str, Any]:
    return {"kind": "harness", "path": path, "backend": backend, "device": "cpu", "ns": ns}


@pytest.mark.parametrize(("ns", "holds"), [(5000, True), (5500, False)])
def test_the_harness_is_held_against_the_quickest_entry_of_a_comparison(ns: float, holds: bool) -> None:
    quick = hundred(stage="decoder")
    quick["blocks_ns"] = [[[2e6, 5e5, 1e5]] * BLOCKS]  # the slowed entry is no timing of anybody's cell
    rows = [r for r in rows_of(harness(ns), hundred(), quick, harness(1.0, backend="keras-jax")) if r["path"]]
    found, without = rows
    assert (found["against_ns"], found["share"], found["holds"]) == (5e5, pytest.approx(ns / 5e5), holds)
    assert found["cell"].startswith("decoder-tiny-4")
    quick["outcomes"] = [outcome | {"harness_ns": 5500.0} for outcome in quick["outcomes"]]
    (again,) = [r for r in rows_of(hundred(), quick, harness(1.0)) if r["path"]]
    assert (again["share"], again["subtracted"], again["holds"]) == (pytest.approx(0.011), 1, True)
    assert (without["backend"], without["holds"]) == ("keras-jax", None)
    assert without["reason"] == "no timing to hold it against"


def figure(share: float, subtracted: bool) -> dict[str, Any]:
    return entry("encoder", "torch") | {
        "images_per_second": 1.0,
        "harness_share": share,
        "harness_subtracted": subtracted,
    }


def test_the_harness_is_held_against_figures_from_which_it_was_subtracted() -> None:
    records = [as_measured(harness(ns, "benchmark")) for ns in (900.0, 1000.0, 2000.0)]
    (row,) = aa_rows(records, equal, [figure(0.002, False), figure(0.04, True)])
    assert (row["harness_ns"], row["harness_lower_ns"], row["harness_upper_ns"]) == (1000, 900, 2000)
    assert (row["share"], row["against_ns"], row["subtracted"]) == (0.04, pytest.approx(25_000), 1)
    assert row["holds"] is True
    (row,) = aa_rows(records, equal, [figure(0.04, False)])
    assert row["holds"] is False


def test_a_run_that_was_not_asked_to_test_its_timings_breaks_no_limit() -> None:
    tuned = hundred() | {"question": "ladder"}
    assert not broken(rows_of(tuned, harness(1e6)))
    assert broken(rows_of(hundred(), harness(1e6)))
    assert not broken(rows_of(hundred(), harness(1e3)))
    assert rows_of(tuned) == []


def test_the_tables_say_all_of_it(tmp_path: Path) -> None:
    rows = rows_of(hundred(6), repetition([1.0], [1.3], by=0.3), harness(1e3), harness(1.0, "benchmark"))
    write_aa(rows, tmp_path)
    assert tuple(pd.read_csv(tmp_path / "trust.csv").columns) == COLUMNS
    text = (tmp_path / "trust.md").read_text()
    assert "| torch | all | all | 101 | 6 | 5.9% (2.2%–12.5%) | 1.000 (1.000–1.000) |  | NO |" in _single(text)
    assert "1 try: slowed by 30.0% to 30.0%" in text
    assert [title for title, _, _ in sections(rows)] == ["A/A", "Planted slowness", "Harness cost"]
    assert all(len(line) == len(columns) for _, columns, lines in sections(rows) for line in lines)


def _single(text: str) -> str:
    """Without the padding of columns."""
    return " ".join(text.split()).replace("| |", "|  |")
