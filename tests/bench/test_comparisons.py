"""Real comparisons: planted slowness is exactly what was planted, a wrong arm costs itself, a killed run goes on."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from elbostone.backends import open_binding
from elbostone.notations.notation import Notation
from elbostone.notations.registry import notations, packages
from elbostone.reference.problem import save_problem
from elbostone.timing.asked import PairedComparison
from elbostone.timing.comparisons import run_comparisons
from elbostone.timing.measure.blocks import Arm, Slowed, alternate
from elbostone.timing.measure.comparison import ComparisonSession, Entry
from elbostone.timing.measure.harness import EmptyStage
from elbostone.timing.timed_problems import write_expected
from elbostone.timing.timings import Timing
from elbostone.timing.workloads import make_workload
from elbostone.workers.records import Cell, read_records

Copy = Callable[[str, str, str], Notation]
WORKLOAD = make_workload("digits", 8, np.random.default_rng(0).integers(0, 2, (20, 64)).astype(float))


@pytest.fixture
def timing(tmp_path: Path) -> Timing:
    file = str(save_problem(WORKLOAD.problem, tmp_path / "problems"))
    notation = notations()["pytorch_examples"]
    cell = Cell(WORKLOAD.problem.name, notation.id, "torch", "torch", "cpu", "float32", "eager")
    timing = Timing(cell, "digits", "training_step", 8, file, packages()[notation.id], str(notation.path))
    write_expected([timing])
    return timing


def test_a_comparison_measures_every_entry_and_a_wrong_one_costs_itself(tmp_path: Path, timing: Timing) -> None:
    wrong = replace(timing, stage="no-such-stage")
    comparison = PairedComparison(
        "d", "aa", (timing, timing, wrong, timing), slowed=(0, 0, 0, 0.1), builds=2, tries=2, blocks=14
    )
    run_comparisons([comparison], tmp_path, threads=1)
    records = read_records(tmp_path / "records.jsonl")
    assert [r["kind"] for r in records] == ["session", "duel", "duel"]
    for record in records[1:]:
        assert [o["status"] for o in record["outcomes"]] == ["ok", "ok", "failed", "ok"], record["outcomes"]
        assert "no-such-stage" in record["outcomes"][2]["reason"]
        assert record["outcomes"][3]["slowed_by"] >= 0.1
        for blocks in record["blocks_ns"]:
            assert 6 <= len(blocks) <= 14
            assert all(b[0] > 0 and b[1] > 0 and b[2] is None and b[3] > 0 for b in blocks)
        assert (tmp_path / "tensors" / record["outcomes"][0]["after"]).exists()
    assert str(tmp_path) not in (tmp_path / "records.jsonl").read_text(encoding="utf-8"), "a folder of this machine"
    run_comparisons([comparison], tmp_path, threads=1)
    assert read_records(tmp_path / "records.jsonl") == records, "a duel with a record is not run again"


def test_an_entry_that_ends_the_process_costs_itself(tmp_path: Path, timing: Timing, copied: Copy) -> None:
    line = "h3 = self.relu(self.fc3(z))"
    copy = copied("broken", line, f"import os; os.abort(); {line}")
    broken = replace(
        timing, cell=replace(timing.cell, notation="broken"), package="broken", notation_file=str(copy.path)
    )
    comparisons = [
        PairedComparison("d", "mode", (timing, broken, timing), blocks=12),
        PairedComparison("e", "mode", (timing, timing), blocks=12),
    ]
    run_comparisons(comparisons, tmp_path, threads=1)
    found = {r["duel"]: r for r in read_records(tmp_path / "records.jsonl") if r["kind"] == "duel"}
    outcomes = found["d"]["outcomes"]
    assert [o["status"] for o in outcomes] == ["ok", "failed", "ok"]
    assert outcomes[1]["reason"] == "the session ended with signal SIGABRT"
    assert all(block[0] > 0 and block[1] is None and block[2] > 0 for block in found["d"]["blocks_ns"][0])
    assert [o["status"] for o in found["e"]["outcomes"]] == ["ok", "ok"]


def test_entries_of_two_dtypes_that_hold_tensors_are_no_comparison(timing: Timing) -> None:
    other = replace(timing, cell=replace(timing.cell, dtype="float64"))
    with pytest.raises(ValueError, match="expected one backend, device, dtype"):
        PairedComparison("d", "mode", (timing, other))


def test_what_the_blocks_add_to_a_call_is_nothing_beside_what_a_stage_takes() -> None:
    """The quickest stages take some twenty microseconds a call; where many share one look at the clock, 1 % of that."""
    binding = open_binding("torch", "cpu")
    one, many = ([ns for (ns,) in alternate([Arm(EmptyStage(binding), calls)], 200)] for calls in (1, 100))
    assert 0 < np.median(many) < np.median(one) < 20_000
    assert np.median(many) < 1_000


def test_every_arm_has_every_place() -> None:
    seen: list[str] = []
    arms = [Arm(lambda name=name: seen.append(name)) for name in "abc"]  # type: ignore[misc]
    alternate(arms, 3)
    assert "".join(seen) == "abccba" + "bcaacb" + "cabbac"
    seen.clear()
    alternate(arms, 3, back=False)
    assert "".join(seen) == "abc" + "acb" + "cab"


def test_all_entries_of_a_comparison_are_warmed_or_none() -> None:
    session = ComparisonSession.__new__(ComparisonSession)
    session._progress = lambda entry: None  # type: ignore[method-assign]
    repetition = SimpleNamespace(tries=1, blocks=2, limit_s=None)
    for calls in ((1, 2, 1), (1, 1, 1)):
        entries = [Entry(None, 0.0, arm=Arm(lambda: None, n)) for n in calls]  # type: ignore[arg-type]
        session._measure(repetition, entries)
        assert {entry.arm.warm for entry in entries if entry.arm} == {max(calls) > 1}


def test_a_slowed_call_takes_its_share_more() -> None:
    slowed = Slowed(lambda: sum(range(20_000)), 0.1)
    for _ in range(50):
        slowed()
    assert len(slowed.shares) == 50
    assert all(share >= 0.1 for share in slowed.shares)
    assert slowed.slowed_by < 0.11, "idling ends when it should"


def test_a_call_that_had_to_wait_does_not_change_by_how_much_calls_were_slowed() -> None:
    slowed = Slowed(lambda: None, 0.1)
    slowed.shares = [0.1] * 6 + [50.0] * 5
    assert slowed.slowed_by == 0.1
