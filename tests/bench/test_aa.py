"""`elbostone bench --aa` from end to end on torch, with a preset of very few tries in one process."""

import json
from pathlib import Path

import pandas as pd
import pytest
import typer

from elbostone.runs.run import Order, carry_out
from elbostone.timing.aa import AA_TESTS, AaSample, Part
from elbostone.timing.judge.throughput import INTERVAL_PROCESSES
from elbostone.timing.plan import Slice
from elbostone.timing.workloads import DIGITS
from elbostone.workers.records import read_records

TINY = AaSample((Part(Slice(DIGITS, (8,), ("encoder",), ("eager",), notations=("pytorch_examples",)), 3),), passes=1)


@pytest.mark.backend("torch")
def test_a_cell_is_measured_against_itself_and_the_tables_say_what_came_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elbostone.runs.run.AA_TESTS", TINY)
    order = Order("bench", False, [], ["torch"], "cpu", 1, 120, aa=True)
    with pytest.raises(typer.Exit) as stop:
        carry_out(order, tmp_path, None, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert {row["notation"] for row in document["equivalence"]} == {"pytorch_examples"}, "only what is timed is proven"
    assert document["throughput"] == []
    rows = document["trust"]
    assert [row["promise"] for row in rows] == ["aa", "planted"]
    assert [row["tries"] for row in rows] == [3, 3]
    assert all(row["lost"] == 0 for row in rows)
    assert all(0.5 < row["ratio"] < 2 for row in rows)
    assert [row["called"] for row in rows] == [0, 0], "one process has no interval"
    assert stop.value.exit_code == int(any(row["holds"] is False for row in rows))

    (folder,) = tmp_path.iterdir()
    assert pd.read_csv(folder / "trust.csv")["promise"].tolist() == [row["promise"] for row in rows]
    assert "slowed by 10 %, called slower" in (folder / "trust.md").read_text()
    assert not (folder / "throughput.md").exists(), "nothing was timed but what tests the timing"

    before = read_records(folder / "records.jsonl")
    with pytest.raises(typer.Exit) as again:
        carry_out(order, tmp_path, folder, as_json=False)
    assert read_records(folder / "records.jsonl") == before, "what has a record is not measured again"
    assert again.value.exit_code == stop.value.exit_code
    assert "slowed by 10 %" in capsys.readouterr().out


def test_the_sample_asks_each_question_a_hundred_times_of_every_backend() -> None:
    for backend in ("torch", "keras-tensorflow", "keras-jax", "keras-torch"):
        own = [part for part in AA_TESTS.parts if backend in (part.backends or (backend,))]
        assert sum(part.tries for part in own) >= 100
    assert AA_TESTS.timed.passes >= INTERVAL_PROCESSES
