"""Real sessions: a proven cell is timed and proven again, a wrong one gets no figure, a crash costs one timing."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from bench.copies import copied
from bench.sessions import BATCH, DIGITS, NOTATION, STAGES, WORKLOAD, cell, plan, rows_of, run
from planted_folder import marked, plant

from elbostone.backends.base import cpu_count
from elbostone.backends.table import BACKENDS, MODE_PACKAGES
from elbostone.notations.registry import notations, packages
from elbostone.reference.problem import read_tensors, save_problem
from elbostone.timing.judge.throughput import throughput_rows
from elbostone.timing.phases import possible
from elbostone.timing.plan import QUICK, BenchSample, Proven, Slice, plan_timings
from elbostone.timing.recipes.table import steps_of
from elbostone.timing.sessions import MIN_ROUNDS, Session, plan_sessions, run_sessions
from elbostone.timing.timings import Timing
from elbostone.timing.workloads import make_workload
from elbostone.workers.records import read_records

BOUNDS = {"burda_2016": "iwae", "tomczak_welling_2018": "elbo_monte_carlo", "kingma_welling_2019": "elbo"}
"""Notations whose objective sums another bound, or whose weights are published scaled: a step of each is proven."""


@dataclass(frozen=True)
class Finished:
    """A run of one backend: every stage of one notation, twice, and a training step of other notations.

    On torch it also has copies with one wrong line, and its folder contains foreign files.
    """

    folder: Path
    timings: list[Timing]
    records: list[dict[str, Any]]
    rows: dict[tuple[str, str], dict[str, Any]]
    marks: Path

    def timed(self, notation: str = NOTATION) -> list[dict[str, Any]]:
        return [r for r in self.records if r["kind"] == "throughput" and r["notation"] == notation]


WRONG = {
    "wrong": ("return self.fc21(h1), self.fc22(h1)", "return self.fc21(h1), 1.001 * self.fc22(h1)"),
    "drifting": (
        "h1 = self.relu(self.fc1(x))",
        "self.calls = getattr(self, 'calls', 0) + 1; h1 = self.relu(self.fc1(x)) * (1 + (self.calls > 8))",
    ),
    "raising": ("h3 = self.relu(self.fc3(z))", "raise MemoryError('no room')"),
}


def finish(backend: str, folder: Path) -> Finished:
    with pytest.MonkeyPatch.context() as patch:
        timings = plan(folder, [cell(backend)])
        timings += plan(folder, [cell(backend, name) for name in BOUNDS], ("training_step",))
        if "compiled" in BACKENDS[backend].modes:
            timings.append(replace(timings[0], cell=cell(backend, mode="compiled")))
            step = steps_of(backend, WORKLOAD.problem.spec, timings[0].stage, BATCH, "float32", "cpu")[0]
            timings.append(replace(timings[0], cell=cell(backend, mode="tuned"), last_step=step))
        if backend == "torch":
            copies = {name: copied(folder / "copies", patch, name, *lines) for name, lines in WRONG.items()}
            timings += plan(folder, [cell("torch", name) for name in copies], **copies)
        marks = plant(folder, patch)
        (Path.cwd() / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n", encoding="utf-8")
        patch.setenv("PYTEST_ADDOPTS", "--no-such-option")
        patch.setenv("PYTEST_PLUGINS", "no_such_plugin")
        patch.setattr(tempfile, "tempdir", str(folder))
        records = run(folder, timings, passes=2)
        return Finished(folder, timings, records, rows_of(folder, records), marks)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Finished]:
    """The run of a backend, which its tests share."""
    return cache(lambda backend: finish(backend, tmp_path_factory.mktemp(backend)))


def test_every_stage_is_timed_and_proven(backend: str, finished: Callable[[str], Finished]) -> None:
    found = finished(backend)
    timed = [record for record in found.timed() if record["mode"] == "eager"]
    assert [record["reason"] for record in timed] == [None] * 8
    assert [record["stage"] for record in timed] == [*STAGES, *reversed(STAGES)], "the second pass runs backwards"
    for record in timed:
        assert len(record["rounds_ns"]) >= MIN_ROUNDS
        assert all(ns > 0 for ns in record["rounds_ns"])
        assert record["first_call_s"] > 0
        assert record["graphs"] is None
        assert record["active"]["backend"] == backend
        assert record["active"]["dtype"] == "float32"
        if record["pass"] == 1 or backend == "keras-jax":  # keras-jax caches eager operations too
            assert record["cold_cache"] is (record["pass"] == 1)
    for stage in STAGES:
        row = found.rows[NOTATION, stage]
        assert row["verdict"] == "equal", row["reason"]
        assert row["images_per_second"] > 0
        assert row["roof_share"] > 0
        assert row["roof_share"] <= row["library_share"]
        assert row["processes"] == 2
    tensors = {
        stage: set(read_tensors(found.folder / "tensors" / r["before"]))
        for stage, r in zip(STAGES, timed, strict=False)
    }
    assert tensors["encoder"] == {"posterior_mean", "posterior_log_variance"}
    assert tensors["decoder"] == {"decoder_logits"}
    assert tensors["elbo"] == {"objective"}
    gradients = {f"gradient/{name}" for name in WORKLOAD.problem.weights}
    assert tensors["training_step"] == {"objective", "objective/after"} | gradients
    documents = sorted((found.folder / "benchmark").glob("*.json"))
    assert [path.stem for path in documents] == [f"{backend}-cpu-pass-1", f"{backend}-cpu-pass-2"]
    names = {b["name"] for b in json.loads(documents[0].read_text(encoding="utf-8"))["benchmarks"]}
    assert names >= {f"test_stage[{timing.key}]" for timing in found.timings if timing.cell.notation not in WRONG}
    assert marked(found.marks) == [], "a file of the folder in which it ran was imported"


def test_what_is_compiled_is_one_graph_and_what_is_tuned_is_proven_too(
    backend: str, finished: Callable[[str], Finished]
) -> None:
    compiled = [record for record in finished(backend).timed() if record["mode"] == "compiled"]
    assert len(compiled) == (2 if "compiled" in BACKENDS[backend].modes else 0)
    for record in compiled:
        assert record["graphs"] == {"graphs": 1, "breaks": 0, "recompiles": 0}
        # Where other processes have the CPUs a call takes 30 ms in place of 0.1, and torch compiles in 0.1 s.
        assert record["first_call_s"] > min(0.05, 20e-9 * min(record["rounds_ns"]))
    rows = finished(backend).rows
    for mode in ("compiled", "tuned") if compiled else ():
        row = rows[f"{NOTATION}, {mode}", "encoder"]
        assert (row["verdict"], row["reason"]) == ("equal", None), mode
    starts = [r["compiler_start_s"] for r in finished(backend).records if r["kind"] == "session"]
    assert all((start is not None) is bool(compiled) for start in starts)


def test_a_step_towards_another_bound_is_held_against_its_own_reference(
    backend: str, finished: Callable[[str], Finished]
) -> None:
    """Importance weights, and a sampled KL: these objectives do not sum the ELBO with a closed-form KL."""
    for name, bound in BOUNDS.items():
        row = finished(backend).rows[name, "training_step"]
        assert (row["verdict"], row["reason"]) == ("equal", None), name
        assert {record["bound"] for record in finished(backend).timed(name)} == {bound}


def test_a_mode_that_is_not_installed_is_a_row_with_what_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODE_PACKAGES, "exported", ("no_such_package",))
    workloads = [(WORKLOAD, str(save_problem(WORKLOAD.problem, tmp_path / "problems")))]
    sample = BenchSample((Slice("digits", (BATCH,), STAGES, ("eager", "exported")),), passes=1, max_time_s=0.01)
    proven = Proven(frozenset([cell("torch")]))
    timings, missing = possible(plan_timings(sample, workloads, [notations()[NOTATION]], packages(), proven))
    assert {timing.cell.mode for timing in timings} == {"eager"}
    assert [record.stage for record in missing] == ["encoder", "decoder"]
    row, _ = throughput_rows(missing, lambda *_: pytest.fail("there is no truth to ask for"), lambda _: {})
    assert (row["verdict"], row["images_per_second"]) == ("missing", None)
    assert row["reason"] == "torch exported needs no_such_package: pip install 'elbostone[torch,exported]'"


def test_an_update_of_weights_that_are_published_scaled_is_proven(finished: Callable[[str], Finished]) -> None:
    """Its head is log σ, half of the canonical log-variance: Adam's steps have their length in log σ."""
    name, found = "kingma_welling_2019", finished("torch")
    record = found.timed(name)[0]
    assert set(record["adam"]["weight_scales"].values()) == {0.5}
    planted = {**record, "adam": {**record["adam"], "weight_scales": {}}}
    row = rows_of(found.folder, [planted])[name, "training_step"]
    assert row["reason"].startswith("pass 1, before timing: objective/after"), "steps of another length are seen"


def test_only_proven_cells_are_planned(tmp_path: Path) -> None:
    assert plan(tmp_path, []) == []
    assert {timing.cell for timing in plan(tmp_path, [cell("torch")])} == {cell("torch")}


def test_what_is_wrong_gets_no_figure_and_costs_nothing_else(finished: Callable[[str], Finished]) -> None:
    rows = finished("torch").rows
    for stage in ("encoder", "elbo", "training_step"):
        assert rows["wrong", stage]["verdict"] == "differs"
        assert rows["wrong", stage]["images_per_second"] is None
    assert "posterior_log_variance" in rows["wrong", "encoder"]["reason"]
    assert rows["wrong", "decoder"]["verdict"] == "equal", "its decoder is right, and is given the reference's z"
    drifting = rows["drifting", "encoder"]
    assert drifting["verdict"] == "differs", "it goes wrong while it is timed"
    assert drifting["reason"].startswith("pass 1, after timing: posterior_mean")
    assert (rows["raising", "decoder"]["verdict"], rows["raising", "encoder"]["verdict"]) == ("failed", "equal")
    assert rows["raising", "decoder"]["reason"] == "pass 1: MemoryError: no room"


def test_a_crash_and_a_hang_cost_one_timing_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = "h3 = self.relu(self.fc3(z))"
    accidents = {"crash": "import os; os.abort()", "hang": "import time; time.sleep(600)"}
    copies = {name: copied(tmp_path, monkeypatch, name, line, f"{code}; {line}") for name, code in accidents.items()}
    timings = plan(tmp_path, [cell("torch", name) for name in copies], ("decoder", "encoder"), **copies)
    records = run(tmp_path, timings, timeout_s=20)
    timed = {(r["notation"], r["stage"]): (r["status"], r["reason"]) for r in records if r["kind"] == "throughput"}
    assert timed == {
        ("crash", "decoder"): ("failed", "the session ended with signal SIGABRT"),
        ("hang", "decoder"): ("timeout", "no outcome within 20 s"),
        ("crash", "encoder"): ("ok", None),
        ("hang", "encoder"): ("ok", None),
    }
    rows = rows_of(tmp_path, records)
    assert {name: rows[name, "decoder"]["verdict"] for name in accidents} == {"crash": "failed", "hang": "timeout"}


def test_a_session_that_cannot_start_fails_all_its_timings_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('broken installation')\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    records = run(tmp_path, plan(tmp_path, [cell("torch")]))
    assert [(r["kind"], r["status"]) for r in records] == [("throughput", "failed")] * 4
    assert "broken installation" in records[0]["traceback"]


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


def test_a_run_goes_on_after_a_kill_with_more_passes_of_what_is_asked_for_again(tmp_path: Path) -> None:
    """Default threads have a separate session, which has additional passes here."""
    (pinned,) = plan(tmp_path, [cell("torch")], ("encoder",))
    default = replace(pinned, threads="default")
    names = [session.name for session in plan_sessions([pinned, default], 1)]
    assert names == ["torch-cpu-pass-1", "torch-cpu-default-threads-pass-1"]
    file, asked = tmp_path / "records.jsonl", []

    def again() -> set[str]:
        asked.append(len(read_records(file)))
        return {default.key}

    def passes() -> list[tuple[str, int, int]]:
        run_sessions([pinned, default], tmp_path, passes=1, max_time_s=0.01, threads=1, again=again, repeats=1)
        timed = [r for r in read_records(file) if r["kind"] == "throughput"]
        return [(r["threads"], r["active"]["threads"], r["pass"]) for r in timed]

    whole = [("pinned", 1, 1), ("default", cpu_count(), 1), ("default", cpu_count(), 2)]
    assert passes() == whole
    assert asked[0] > 0, "asked after the first passes"
    records = read_records(file)
    assert passes() == whole
    assert read_records(file) == records, "what has a record is not timed again"
    file.write_text("".join(json.dumps(r) + "\n" for r in records[:-1]), encoding="utf-8")
    assert passes() == whole
