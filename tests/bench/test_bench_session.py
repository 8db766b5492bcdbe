"""Real sessions: a proven cell is timed and proven again, a wrong one gets no figure, a crash costs one timing."""

import json
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elbostone.backends.table import BACKENDS, MODE_PACKAGES
from elbostone.notations.notation import Notation
from elbostone.notations.registry import notations, packages
from elbostone.reference.problem import read_tensors, save_problem
from elbostone.timing.judge.counted_operations import rooflines
from elbostone.timing.judge.throughput import throughput_rows
from elbostone.timing.phases import installed
from elbostone.timing.plan import QUICK, BenchSample, Proven, Slice, plan_timings
from elbostone.timing.proof import load_expected
from elbostone.timing.records import as_measured
from elbostone.timing.sessions import MIN_ROUNDS, Session, plan_sessions, run_sessions
from elbostone.timing.timed_problems import write_expected
from elbostone.timing.timings import Timing
from elbostone.timing.workloads import Workload, make_workload
from elbostone.workers.records import Cell, read_records
from elbostone.workers.supervisor import cpu_threads

BATCH = 8
DIGITS = np.random.default_rng(0).integers(0, 2, (20, 64)).astype(float)
WORKLOAD = make_workload("digits", BATCH, DIGITS)
STAGES = ("encoder", "decoder", "elbo", "training_step")
NOTATION = "pytorch_examples"


def cell(backend: str, notation: str = NOTATION, mode: str = "eager", workload: Workload = WORKLOAD) -> Cell:
    name = workload.problem.name
    return Cell(name, notation, BACKENDS[backend].framework, backend, "cpu", "float32", mode)


def plan(folder: Path, cells: Iterable[Cell], stages: tuple[str, ...] = STAGES, **copies: Notation) -> list[Timing]:
    """Timings of these cells with their reference; `copies` are of no registry; their package is their id."""
    workloads = [(WORKLOAD, str(save_problem(WORKLOAD.problem, folder / "problems")))]
    sample = BenchSample((Slice("digits", (BATCH,), stages, ("eager",)),), passes=1, max_time_s=0.01)
    proven = Proven(frozenset(cells))
    names = sorted({cell.notation for cell in proven.cells} & notations().keys())
    chosen = [*(notations()[name] for name in names), *copies.values()]
    where = {**{name: name for name in copies}, **packages()}
    timings = plan_timings(sample, workloads, chosen, where, proven)
    write_expected(timings)
    return timings


def run(folder: Path, timings: list[Timing], *, passes: int = 1, timeout_s: float = 120) -> list[dict[str, Any]]:
    shapes = {
        roofline for timing in timings for roofline in rooflines(WORKLOAD.problem.spec, timing.stage, BATCH, "float32")
    }
    run_sessions(
        timings,
        folder,
        passes=passes,
        max_time_s=0.01,
        threads=cpu_threads(),
        rooflines=sorted(shapes),
        timeout_s=timeout_s,
    )
    return read_records(folder / "records.jsonl")


def rows_of(folder: Path, records: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    file = folder / "problems" / f"{WORKLOAD.problem.name}.json"
    rows = throughput_rows(
        [as_measured(record) for record in records],
        lambda _, dtype, batch, bound: load_expected(file, WORKLOAD.problem, dtype, batch, bound),
        lambda name: read_tensors(folder / "tensors" / name),
    )
    return {(row["notation"], row["stage"]): row for row in rows}


def test_every_stage_is_timed_and_proven(backend: str, tmp_path: Path) -> None:
    timings = plan(tmp_path, [cell(backend)])
    assert [timing.stage for timing in timings] == list(STAGES)
    records = run(tmp_path, timings, passes=2)
    timed = [record for record in records if record.get("kind") == "throughput"]
    assert [record["reason"] for record in timed] == [None] * 8
    assert [record["stage"] for record in timed] == [*STAGES, *reversed(STAGES)], "the second pass runs backwards"
    for record in timed:
        assert len(record["rounds_ns"]) >= MIN_ROUNDS
        assert all(ns > 0 for ns in record["rounds_ns"])
        assert record["first_call_s"] > 0
        assert record["graphs"] is None
        assert record["active"]["backend"] == backend
        assert record["active"]["dtype"] == "float32"
        if record["pass"] == 1 or backend == "keras-jax":  # which keeps even what an eager cell compiles
            assert record["cold_cache"] is (record["pass"] == 1)
    rows = rows_of(tmp_path, records)
    for stage in STAGES:
        row = rows[NOTATION, stage]
        assert row["verdict"] == "equal", row["reason"]
        assert row["images_per_second"] > 0
        assert row["roof_share"] > 0
        assert row["roof_share"] <= row["library_share"]
        assert row["processes"] == 2
    tensors = {
        stage: set(read_tensors(tmp_path / "tensors" / r["before"])) for stage, r in zip(STAGES, timed, strict=False)
    }
    assert tensors["encoder"] == {"posterior_mean", "posterior_log_variance"}
    assert tensors["decoder"] == {"decoder_logits"}
    assert tensors["elbo"] == {"objective"}
    gradients = {f"gradient/{name}" for name in WORKLOAD.problem.weights}
    assert tensors["training_step"] == {"objective", "objective/after"} | gradients
    documents = sorted((tmp_path / "benchmark").glob("*.json"))
    assert [path.stem for path in documents] == [f"{backend}-cpu-pass-1", f"{backend}-cpu-pass-2"]
    names = [b["name"] for b in json.loads(documents[0].read_text(encoding="utf-8"))["benchmarks"]]
    assert names == ["test_harness", *(f"test_stage[{timing.key}]" for timing in timings)]


def test_a_step_towards_another_bound_is_held_against_its_own_reference(backend: str, tmp_path: Path) -> None:
    """Importance weights, and a sampled KL: what their objectives sum is no ELBO with a closed-form KL."""
    timings = plan(tmp_path, [cell(backend, n) for n in ("burda_2016", "tomczak_welling_2018")], ("training_step",))
    assert [timing.bound for timing in timings] == ["iwae", "elbo_monte_carlo"]
    rows = rows_of(tmp_path, run(tmp_path, timings)).values()
    assert [(row["verdict"], row["reason"]) for row in rows] == [("equal", None)] * 2


def test_a_mode_that_is_not_installed_is_a_row_with_what_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODE_PACKAGES, "exported", ("no_such_package",))
    workloads = [(WORKLOAD, str(save_problem(WORKLOAD.problem, tmp_path / "problems")))]
    sample = BenchSample((Slice("digits", (BATCH,), STAGES, ("eager", "exported")),), passes=1, max_time_s=0.01)
    proven = Proven(frozenset([cell("torch")]))
    timings, missing = installed(plan_timings(sample, workloads, [notations()[NOTATION]], packages(), proven))
    assert {timing.cell.mode for timing in timings} == {"eager"}
    assert [record.stage for record in missing] == ["encoder", "decoder"]
    row, _ = throughput_rows(missing, lambda *_: pytest.fail("there is no truth to ask for"), lambda _: {})
    assert (row["verdict"], row["images_per_second"]) == ("missing", None)
    assert row["reason"] == "torch exported needs no_such_package: pip install 'elbostone[torch,exported]'"


def test_an_update_of_weights_that_are_published_scaled_is_proven(tmp_path: Path) -> None:
    """Its head is log σ, half of the canonical log-variance: Adam's steps have their length in that."""
    name = "kingma_welling_2019"
    timings = plan(tmp_path, [cell("torch", name)], ("training_step",), **{name: notations()[name]})
    records = run(tmp_path, timings)
    assert rows_of(tmp_path, records)[name, "training_step"]["verdict"] == "equal"
    (record,) = (r for r in records if r.get("kind") == "throughput")
    assert set(record["adam"]["weight_scales"].values()) == {0.5}
    planted = {**record, "adam": {**record["adam"], "weight_scales": {}}}
    row = rows_of(tmp_path, [planted])[name, "training_step"]
    assert row["reason"].startswith("pass 1, before timing: objective/after"), "steps of another length are seen"


def test_only_proven_cells_are_planned(tmp_path: Path) -> None:
    assert plan(tmp_path, []) == []
    assert {timing.cell for timing in plan(tmp_path, [cell("torch")])} == {cell("torch")}


def test_a_wrong_model_gets_no_figure(tmp_path: Path, copied: Any) -> None:
    wrong = copied("wrong", "return self.fc21(h1), self.fc22(h1)", "return self.fc21(h1), 1.001 * self.fc22(h1)")
    timings = plan(tmp_path, [cell("torch"), cell("torch", "wrong")], wrong=wrong)
    rows = rows_of(tmp_path, run(tmp_path, timings))
    assert all(rows[NOTATION, stage]["verdict"] == "equal" for stage in STAGES)
    for stage in ("encoder", "elbo", "training_step"):
        row = rows["wrong", stage]
        assert row["verdict"] == "differs"
        assert row["images_per_second"] is None
    assert "posterior_log_variance" in rows["wrong", "encoder"]["reason"]
    assert rows["wrong", "decoder"]["verdict"] == "equal", "its decoder is right, and is given the definition's z"


def test_a_call_that_goes_wrong_while_it_is_timed_gets_no_figure(tmp_path: Path, copied: Any) -> None:
    line = "h1 = self.relu(self.fc1(x))"
    drifting = copied("drifting", line, f"self.calls = getattr(self, 'calls', 0) + 1; {line} * (1 + (self.calls > 8))")
    timings = plan(tmp_path, [cell("torch", "drifting")], ("encoder",), drifting=drifting)
    row = rows_of(tmp_path, run(tmp_path, timings))["drifting", "encoder"]
    assert row["verdict"] == "differs"
    assert row["reason"].startswith("pass 1, after timing: posterior_mean")


@pytest.mark.parametrize(
    ("accident", "status", "reason"),
    [
        ("import os; os.abort()", "failed", "the session ended with signal SIGABRT"),
        ("raise MemoryError('no room')", "failed", "MemoryError: no room"),
        ("import time; time.sleep(600)", "timeout", "no outcome within 20 s"),
    ],
    ids=["crash", "exception", "hang"],
)
def test_an_accident_costs_one_timing(tmp_path: Path, copied: Any, accident: str, status: str, reason: str) -> None:
    line = "h3 = self.relu(self.fc3(z))"
    broken = copied("broken", line, f"{accident}; {line}")
    timings = plan(tmp_path, [cell("torch"), cell("torch", "broken")], ("encoder", "decoder"), broken=broken)
    timings = [t for t in timings if t.cell.notation == "broken"] + [t for t in timings if t.cell.notation == NOTATION]
    records = run(tmp_path, timings, timeout_s=20)
    timed = {(r["notation"], r["stage"]): r for r in records if r.get("kind") == "throughput"}
    assert len(timed) == 4
    accidents = timed.pop(("broken", "decoder"))
    assert (accidents["status"], accidents["reason"]) == (status, reason)
    assert [record["status"] for record in timed.values()] == ["ok"] * 3
    assert rows_of(tmp_path, records)["broken", "decoder"]["verdict"] == status


def test_a_session_that_cannot_start_fails_all_its_timings_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('broken installation')\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    records = run(tmp_path, plan(tmp_path, [cell("torch")]))
    assert [(r["kind"], r["status"]) for r in records] == [("throughput", "failed")] * 4
    assert "broken installation" in records[0]["traceback"]


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    timings = plan(tmp_path, [cell("torch")], ("encoder", "decoder"))
    run(tmp_path, timings[:1])
    records = run(tmp_path, timings)
    assert [r["stage"] for r in records if r.get("kind") == "throughput"] == ["encoder", "decoder"]
    assert run(tmp_path, timings) == records


def test_a_users_pytest_configuration_decides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n", encoding="utf-8")
    (tmp_path / "conftest.py").write_text("raise RuntimeError\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    timings = plan(tmp_path, [cell("torch")], ("encoder",))
    assert [r["status"] for r in run(tmp_path, timings) if r.get("kind") == "throughput"] == ["ok"]


def test_backends_are_interleaved_pass_by_pass(tmp_path: Path) -> None:
    timings = plan(tmp_path, [cell(name) for name in reversed(BACKENDS)], ("encoder", "decoder"))
    sessions: list[Session] = plan_sessions(timings, passes=2)
    assert [(s.number, s.backend) for s in sessions] == [(number, name) for number in (1, 2) for name in BACKENDS]
    assert [t.stage for t in sessions[0].timings] == ["encoder", "decoder"]
    assert [t.stage for t in sessions[4].timings] == ["decoder", "encoder"]
    assert not any(session.x64 for session in sessions)


def test_the_quick_sample_is_of_the_declared_notations(tmp_path: Path) -> None:
    proven = Proven(frozenset(cell("torch", name) for name in notations()))
    workloads = [(make_workload("digits", 128, DIGITS), str(tmp_path / "x.json"))]
    timings = plan_timings(QUICK, workloads, notations().values(), packages(), proven)
    eager, compiled = QUICK.slices
    assert {t.cell.notation for t in timings if t.cell.mode == "compiled"} == set(compiled.notations or ())
    assert {t.cell.notation for t in timings if t.cell.mode == "eager"} == set(eager.notations or ())
    assert QUICK.notations() == set(eager.notations or ())


def test_what_is_asked_for_again_has_passes_more_and_a_killed_run_goes_on_with_them(tmp_path: Path) -> None:
    timings = plan(tmp_path, [cell("torch")], ("encoder", "decoder"))
    asked: list[int] = []

    def again() -> set[str]:
        asked.append(len(read_records(tmp_path / "records.jsonl")))
        return {timings[1].key}

    def passes() -> list[tuple[str, int]]:
        run_sessions(timings, tmp_path, passes=1, max_time_s=0.01, threads=1, again=again, repeats=1)
        found = read_records(tmp_path / "records.jsonl")
        return [(r["stage"], r["pass"]) for r in found if r["kind"] == "throughput"]

    assert passes() == [("encoder", 1), ("decoder", 1), ("decoder", 2)]
    assert passes() == [("encoder", 1), ("decoder", 1), ("decoder", 2)]
    records = read_records(tmp_path / "records.jsonl")
    (tmp_path / "records.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records[:-1]), encoding="utf-8")
    assert passes() == [("encoder", 1), ("decoder", 1), ("decoder", 2)]
    assert asked[0] > 0, "asked after the first passes"


def test_default_threads_have_sessions_of_their_own(tmp_path: Path) -> None:
    (pinned,) = plan(tmp_path, [cell("torch")], ("encoder",))
    default = replace(pinned, threads="default")
    names = [session.name for session in plan_sessions([pinned, default], 1)]
    assert names == ["torch-cpu-pass-1", "torch-cpu-default-threads-pass-1"]
    run_sessions([pinned, default], tmp_path, passes=1, max_time_s=0.01, threads=1)
    timed = [r for r in read_records(tmp_path / "records.jsonl") if r["kind"] == "throughput"]
    taken = {r["threads"]: r["active"]["threads"] for r in timed}
    assert taken == {"pinned": 1, "default": cpu_threads()}, [r["reason"] for r in timed]
    harness = [r for r in read_records(tmp_path / "records.jsonl") if r["kind"] == "harness"]
    assert len(harness) == 2
    assert all(0 < r["ns"] < 20_000 for r in harness)
