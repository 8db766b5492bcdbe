"""Nothing that measures imports a file of the folder in which the command runs."""

from pathlib import Path

import numpy as np
import pytest
from planted_folder import marked, plant

from elbostone.notations.registry import notations, packages
from elbostone.reference.problem import save_problem
from elbostone.timing.asked import PairedComparison
from elbostone.timing.comparisons import run_comparisons
from elbostone.timing.measure.profiling import run_profile
from elbostone.timing.phases import write_expected
from elbostone.timing.sessions import run_sessions
from elbostone.timing.timings import Timing
from elbostone.timing.workloads import make_workload
from elbostone.workers.records import Cell, read_records

BATCH = 128
WORKLOAD = make_workload("digits", BATCH, np.random.default_rng(0).integers(0, 2, (20, 64)).astype(float))


def test_sessions_comparisons_and_traces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, notation = str(save_problem(WORKLOAD.problem, tmp_path / "problems")), notations()["pytorch_examples"]
    cell = Cell(WORKLOAD.problem.name, notation.id, "torch", "torch", "cpu", "float32", "eager")
    timing = Timing(cell, "digits", "encoder", BATCH, file, packages()[notation.id], str(notation.path))
    write_expected([timing])
    marks, run = plant(tmp_path, monkeypatch), tmp_path / "run"

    run_sessions([timing], run, passes=1, max_time_s=0.01, threads=1)
    run_comparisons([PairedComparison("d", "aa", (timing, timing), blocks=2)], run, threads=1)
    found = [record for record in read_records(run / "records.jsonl") if record["kind"] in ("throughput", "duel")]
    assert [(r["status"], r["reason"]) for r in found] == [("ok", None)] * 2

    traces = tmp_path / "traces"
    traces.mkdir()
    record = run_profile(timing, traces, threads=1, timeout_s=120)
    assert (record.status, record.reason) == ("ok", None)
    assert marked(marks) == []
