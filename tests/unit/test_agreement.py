"""Two runs against each other: which cells are the same, and when figures agree."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from elbostone.reference.errors import BadInput
from elbostone.report.tables import frame, read_rows, write_table
from elbostone.runs.compare import COLUMNS, agreement, agreement_text, write_agreement
from elbostone.timing.judge.throughput import CELL


def row(images: float | None, lower: float = 0, upper: float = 0, **other: Any) -> dict[str, Any]:
    cell = dict.fromkeys(CELL, "a") | {"batch": 128, "rung": ""}
    return {**cell, "images_per_second": images, "lower": lower, "upper": upper, "stable": True, **other}


@pytest.mark.parametrize(
    ("bounds", "agrees"), [((90, 100), True), ((100, 130), True), ((111, 130), False), ((50, 89), False)]
)
def test_figures_agree_where_their_intervals_have_a_number_in_common(bounds: tuple[int, int], agrees: bool) -> None:
    (found,) = agreement([row(100, 90, 110)], [row(sum(bounds) / 2, *bounds)])
    assert found["agrees"] is agrees
    assert tuple(found) == COLUMNS


def test_only_cells_that_both_have_a_figure_of_are_compared() -> None:
    one = [row(100, 90, 110), row(None, stage="b"), row(100, 90, 110, stage="c"), row(1, 1, 1, stage="d")]
    other = [row(50, 40, 60), row(100, 90, 110, stage="b"), row(None, stage="c"), row(1, 1, 1, batch=1)]
    (found,) = agreement(one, other)
    assert found["ratio"] == 2


def test_a_cell_of_a_file_is_that_of_memory(tmp_path: Path) -> None:
    rows = [row(100, 90, 110), row(200, 180, 220, rung="fused-adam", threads="default")]
    rows[0]["rung"] = None
    write_table(frame(rows, CELL), tmp_path / "throughput")
    read = read_rows(tmp_path / "throughput.parquet")
    assert read == rows
    assert len(agreement(rows, read)) == 2


def test_a_run_without_throughput_is_held_against_none(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"throughput\.parquet: expected a table of the run; it has none"):
        read_rows(tmp_path / "throughput.parquet")


def test_a_column_that_is_empty_in_one_run_may_hold_texts_in_the_other(tmp_path: Path) -> None:
    plain = [row(100, 90, 110, rung=None)]
    both = [row(200, 190, 210), row(200, 180, 220, rung="fused-adam")]
    assert len(agreement(plain, both)) == len(agreement(both, plain)) == 1
    none = agreement(plain, [row(None)])
    assert agreement_text(none) == "no cell has a figure in both runs"
    write_agreement(none, "another", tmp_path)
    assert list(pd.read_csv(tmp_path / "agreement.csv").columns) == list(COLUMNS)


def test_one_line_says_how_many_and_how_far(tmp_path: Path) -> None:
    one = [row(100, 90, 110, stage=stage) for stage in "abcd"]
    other = [row(100, 90, 110, stage=stage) for stage in "abc"] + [row(40, 30, 50, stage="d")]
    rows = agreement(one, other)
    text = agreement_text(rows)
    assert text.startswith("3 of 4 cells agree within their intervals (75.0%; promised on one machine: 95%)")
    assert text.endswith("up to 2.50× apart")
    write_agreement(rows, "another", tmp_path)
    lines = (tmp_path / "agreement.md").read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith("| a") for line in lines) == 1
    assert len(pd.read_csv(tmp_path / "agreement.csv")) == 4
