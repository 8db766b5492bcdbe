"""What the figures are worth: planted rows in which a limit holds, fails, or cannot be told; and simulated machines."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from elbostone.timing.aa import FIRST, PASSES
from elbostone.timing.judge.aa import AA, COLUMNS, PLANTED, aa_rows, broken
from elbostone.timing.judge.ratios import interval, time_ratio, verdict_of
from elbostone.timing.judge.throughput import CELL
from elbostone.timing.tables import AA_SHOWN, shown_aa, write_aa

Row = dict[str, Any]


def arm(name: str, times: float | Sequence[float], *, stage: str = "encoder", backend: str = "torch") -> Row:
    """A row of throughput whose call took so long in each process; a number is all processes' own."""
    row = dict.fromkeys(CELL, "a") | {"stage": stage, "backend": backend, "device": "cpu", "arm": name}
    each = [times] * PASSES if isinstance(times, float) else list(times)
    return row | {"verdict": "equal", "reason": None, "images_per_second": 1.0, "by_process": [1 / t for t in each]}


def tries(same: Sequence[float], slowed: Sequence[float], **about: Any) -> list[Row]:
    """Tries whose arms have these ratios to the first, in every process."""
    return [
        row
        for number, (a, b) in enumerate(zip(same, slowed, strict=True), start=1)
        for row in (
            arm(f"{number}-{FIRST}", 1.0, **about),
            arm(f"{number}-again", a, **about),
            arm(f"{number}-slowed", b, **about),
        )
    ]


def hundred(different: int = 0, unseen: int = 0, *, ratio: float = 1.0, **about: Any) -> list[Row]:
    """A hundred tries: so many call the same cell different, and so many do not see that one is slowed."""
    return tries([1.2] * different + [ratio] * (100 - different), [1.0] * unseen + [1.1] * (100 - unseen), **about)


def total(question: str, rows: Sequence[Row]) -> Row:
    """The row of all of a limit, which is its last."""
    return [row for row in aa_rows(rows) if row["promise"] == question][-1]


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
    assert total(AA, tries([0.8] * 6 + [1.0] * 94, [1.1] * 100))["called"] == 6


@pytest.mark.parametrize(("ratio", "holds"), [(1.02, True), (0.98, True), (1.03, False), (0.97, False)])
def test_the_median_ratio_is_within_two_percent_of_one(ratio: float, holds: bool) -> None:
    # Processes that swing by a tenth leave the interval across 1: nothing is called different.
    swing = np.resize([0.9, 1.0, 1.1], PASSES + 1)
    rows = [
        row
        for number in range(100)
        for row in (arm(f"{number}-first", [1.0] * (PASSES + 1)), arm(f"{number}-again", list(ratio * swing)))
    ]
    row = total(AA, rows)
    assert (row["called"], row["ratio"]) == (0, pytest.approx(ratio))
    assert row["holds"] is holds


@pytest.mark.parametrize(("unseen", "holds"), [(5, True), (6, False)])
def test_at_least_ninety_five_of_a_hundred_slowed_ones_are_called_slower(unseen: int, holds: bool) -> None:
    row = total(PLANTED, hundred(unseen=unseen))
    assert (row["called"], row["ratio"]) == (100 - unseen, pytest.approx(1.1))
    assert row["holds"] is holds


def test_a_slowed_cell_that_is_called_faster_is_not_seen() -> None:
    assert total(PLANTED, tries([1.0] * 100, [0.5] * 100))["called"] == 0


def test_there_is_a_row_per_backend_and_one_of_all() -> None:
    rows = aa_rows([*hundred(6), *hundred(stage="training_step"), *hundred(backend="keras-jax")])
    assert [(row["backend"], row["tries"], row["called"]) for row in rows if row["promise"] == AA] == [
        ("torch", 200, 6),
        ("keras-jax", 100, 0),
        (None, 300, 6),
    ]
    assert all(tuple(row) == COLUMNS for row in rows)


def test_tries_of_what_differs_are_lost_and_no_limit_holds() -> None:
    rows = hundred()
    rows[2] |= {"verdict": "differs", "reason": "z[1]", "images_per_second": None}
    row = total(PLANTED, rows)
    assert (row["tries"], row["lost"], row["holds"]) == (99, 1, False)
    assert row["reason"] == "1 lost: differs: z[1]"
    assert total(AA, rows)["lost"] == 1, "a try is of all its arms"
    del rows[5]
    assert total(PLANTED, rows)["lost"] == 2


def test_a_run_that_was_not_asked_to_test_its_timings_breaks_no_limit() -> None:
    assert aa_rows([]) == []
    assert not broken([])
    assert not broken(aa_rows(hundred()))
    assert broken(aa_rows(hundred(6)))


def test_the_table_says_all_of_it(tmp_path: Path) -> None:
    rows = aa_rows(hundred(6))
    write_aa(rows, tmp_path)
    assert tuple(pd.read_csv(tmp_path / "trust.csv").columns) == COLUMNS
    text = " ".join((tmp_path / "trust.md").read_text().split()).replace("| |", "|  |")
    assert "| the same cell, called different | torch | 100 | 6 | 6.0% (2.2%–12.6%) | 1.000 (1.000–1.000) |" in text
    assert all(len(line) == len(AA_SHOWN) for line in shown_aa(rows))


TRIES = 2000


def verdicts(ratio: float, between: float, within: float) -> list[str]:
    """Of two timings in six processes: noise that both share, of a process as a whole, and noise of each."""
    generator = np.random.default_rng(0)
    found = []
    for _ in range(TRIES):
        process = np.exp(between * generator.standard_normal(PASSES))
        one, other = (process * np.exp(within * generator.standard_normal(PASSES)) for _ in range(2))
        lower, upper = interval(ratio * other / one)[1:]
        found.append(verdict_of(lower, upper))
    return found


@pytest.mark.parametrize(("between", "within"), [(0.0, 0.02), (0.3, 0.02), (0.3, 0.1)])
def test_identical_timings_are_called_different_in_at_most_one_of_twenty_tries(between: float, within: float) -> None:
    assert sum(verdict != "same" for verdict in verdicts(1.0, between, within)) <= 0.05 * TRIES


@pytest.mark.parametrize("between", [0.0, 0.3])
def test_a_tenth_more_time_is_called_slower_however_far_processes_are_apart(between: float) -> None:
    """Timings of one process may differ by two percent; what a process does as a whole is not in the ratio."""
    assert sum(verdict == "slower" for verdict in verdicts(1.1, between, 0.02)) >= 0.95 * TRIES


def test_the_interval_covers_the_median_as_often_as_it_says() -> None:
    generator = np.random.default_rng(1)
    found = [interval(np.exp(generator.laplace(size=50))) for _ in range(2000)]
    assert np.mean([lower <= 1 <= upper for _, lower, upper in found]) >= 0.94


def test_five_processes_have_no_interval() -> None:
    assert interval(np.ones(5)) == (1.0, 0.0, float("inf"))
    assert verdict_of(0.0, float("inf")) == "same"


def test_a_ratio_is_of_processes_that_have_timed_both() -> None:
    slow, quick = arm("", [4.0, 2.0, 8.0]), arm("", [2.0, 1.0, 4.0, 100.0])
    assert time_ratio(slow, quick)[0] == pytest.approx(2.0)
    assert time_ratio(quick, slow)[0] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("bounds", "verdict"),
    [((1.021, 1.5), "slower"), ((1.01, 1.5), "same"), ((0.5, 0.97), "faster"), ((0.5, 0.99), "same")],
)
def test_a_difference_within_the_margin_is_not_claimed(bounds: tuple[float, float], verdict: str) -> None:
    assert verdict_of(*bounds) == verdict
