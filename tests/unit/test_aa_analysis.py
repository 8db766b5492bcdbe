"""What the timings are worth: planted records in which a limit holds, fails, or cannot be told."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from elbostone.timing.aa import AA
from elbostone.timing.judge.aa import COLUMNS, PLANTED, aa_rows, broken
from elbostone.timing.records import as_measured
from elbostone.timing.tables import AA_SHOWN, shown_aa, write_aa

BLOCKS = 20
OK = {"status": "ok", "reason": None, "before": "x", "after": "x"}


def entry(stage: str, backend: str, slowed: float = 0.0) -> dict[str, Any]:
    cell = {"problem": "tiny", "notation": "a", "framework": backend.partition("-")[0], "backend": backend}
    cell |= {"device": "cpu", "dtype": "float32", "mode": "eager"}
    timed = {"stage": stage, "workload": "tiny", "batch": 4, "rung": "", "threads": "pinned"}
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
    return aa_rows([as_measured(record) for record in records], prove)


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


def test_there_is_a_row_per_backend_and_one_of_all() -> None:
    records = [hundred(6), hundred(stage="training_step"), hundred(backend="keras-jax")]
    rows = [row for row in rows_of(*records) if row["promise"] == AA]
    assert [(row["backend"], row["tries"], row["called"]) for row in rows] == [
        ("torch", 200, 6),
        ("keras-jax", 100, 0),
        (None, 300, 6),
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


def test_a_run_that_was_not_asked_to_test_its_timings_breaks_no_limit() -> None:
    assert not broken(rows_of(hundred() | {"question": "ladder"}))
    assert not broken(rows_of(hundred()))
    assert broken(rows_of(hundred(6)))


def test_the_table_says_all_of_it(tmp_path: Path) -> None:
    rows = rows_of(hundred(6), repetition([1.0], [1.3], by=0.3))
    write_aa(rows, tmp_path)
    assert tuple(pd.read_csv(tmp_path / "trust.csv").columns) == COLUMNS
    text = _single((tmp_path / "trust.md").read_text())
    assert "| the same cell, called different | torch | 101 | 6 | 5.9% (2.2%–12.5%) | 1.000 (1.000–1.000) |" in text
    assert "1 try: slowed by 30.0% to 30.0% | yes |" in text
    assert all(len(line) == len(AA_SHOWN) for line in shown_aa(rows))


def _single(text: str) -> str:
    """Without the padding of columns."""
    return " ".join(text.split()).replace("| |", "|  |")
