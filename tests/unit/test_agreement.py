"""Two runs against each other: which cells are the same, and when figures agree."""

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from elbostone.runs.agreement import COLUMNS, agreement_rows, agreement_text
from elbostone.runs.agreement_tables import write_agreement
from elbostone.timing.judge.throughput import CELL


def row(images: float | None, lower: float = 0, upper: float = 0, **other: Any) -> dict[str, Any]:
    cell = dict.fromkeys(CELL, "a") | {"batch": 128, "rung": "", "awaited": True}
    return {**cell, "images_per_second": images, "lower": lower, "upper": upper, "stable": True, **other}


@pytest.mark.parametrize(
    ("bounds", "agrees"), [((90, 100), True), ((100, 130), True), ((111, 130), False), ((50, 89), False)]
)
def test_figures_agree_where_their_intervals_have_a_number_in_common(bounds: tuple[int, int], agrees: bool) -> None:
    (found,) = agreement_rows([row(100, 90, 110)], [row(sum(bounds) / 2, *bounds)])
    assert found["agrees"] is agrees
    assert tuple(found) == COLUMNS


def test_only_cells_that_both_have_a_figure_of_are_compared() -> None:
    one = [row(100, 90, 110), row(None, stage="b"), row(100, 90, 110, stage="c"), row(1, 1, 1, stage="d")]
    other = [row(50, 40, 60), row(100, 90, 110, stage="b"), row(None, stage="c"), row(1, 1, 1, batch=1)]
    (found,) = agreement_rows(one, other)
    assert found["ratio"] == 2


def test_a_cell_of_a_file_is_that_of_memory(tmp_path: Path) -> None:
    rows = [row(100, 90, 110), row(200, 180, 220, rung="fused-adam", threads="default")]
    pd.DataFrame(rows).to_csv(tmp_path / "t.csv", index=False)
    read = pd.read_csv(tmp_path / "t.csv").to_dict("records")
    assert math.isnan(read[0]["rung"])
    assert len(agreement_rows(rows, read)) == 2


def test_one_line_says_how_many_and_how_far(tmp_path: Path) -> None:
    one = [row(100, 90, 110, stage=stage) for stage in "abcd"]
    other = [row(100, 90, 110, stage=stage) for stage in "abc"] + [row(40, 30, 50, stage="d")]
    rows = agreement_rows(one, other)
    text = agreement_text(rows)
    assert text.startswith("3 of 4 cells agree within their intervals (75.0%; promised on one machine: 95%)")
    assert text.endswith("up to 2.50× apart")
    assert agreement_text([]) == "no cell has a figure in both runs"
    write_agreement(rows, "another", tmp_path)
    lines = (tmp_path / "agreement.md").read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith("| a") for line in lines) == 1
    assert len(pd.read_csv(tmp_path / "agreement.csv")) == 4
