"""Peers: each proven equal on the noise that its library drew, planted errors seen, missing ones reported."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace as replace_fields

from elbostone.backends.base import cpu_count
from elbostone.reference.oracle import rounded
from elbostone.reference.problem import Problem, read_tensors, save_problem
from elbostone.reference.spec import Spec
from elbostone.reference.truth import Truth
from elbostone.reference.weights import random_weights
from elbostone.timing.judge import throughput
from elbostone.timing.judge.libraries import LibraryJudge
from elbostone.timing.judge.throughput import throughput_rows
from elbostone.timing.libraries.plan import plan_libraries
from elbostone.timing.libraries.table import LIBRARIES, Library
from elbostone.timing.proof import Expected
from elbostone.timing.records import ThroughputRecord, as_measured, timing_records
from elbostone.timing.sessions import run_sessions
from elbostone.timing.timings import Timing
from elbostone.timing.workloads import Workload
from elbostone.workers.records import as_document

BATCH = 16
SPEC = Spec("mlp", "bernoulli", "standard", "relu", (24,), data_dim=36, latent_dim=6)


def make_problem() -> Problem:
    random = np.random.default_rng(7)
    x = random.integers(0, 2, (BATCH, SPEC.data_dim)).astype(float)
    return Problem("small", SPEC, x, random.standard_normal((1, BATCH, SPEC.latent_dim)), random_weights(SPEC, 7))


PROBLEM = make_problem()


def plan(folder: Path) -> tuple[list[Timing], list[ThroughputRecord]]:
    file = save_problem(PROBLEM, folder / "problems")
    return plan_libraries([(Workload("small", BATCH, PROBLEM), str(file))])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[ThroughputRecord]]:
    """Sessions of all other libraries, one per host backend."""
    folder = tmp_path_factory.mktemp("peers")
    timings, missing = plan(folder)
    assert missing == []
    run_sessions(timings, folder, passes=1, max_time_s=0.01, threads=cpu_count())
    records = timing_records(folder / "records.jsonl")
    return folder, [record for record in records if isinstance(record, ThroughputRecord)]


def of_peer(run: tuple[Path, list[ThroughputRecord]], name: str) -> list[ThroughputRecord]:
    return [record for record in run[1] if record.cell.notation == name]


def expected_of(problem: Problem = PROBLEM) -> Expected:
    """x and weights; another library's reference is made for what it drew, so none is here."""
    return Expected(rounded(problem, "float32"), Truth({}, {}, "float32"))


def proof(record: ThroughputRecord, load: Callable[[str], Any], problem: Problem = PROBLEM) -> tuple[str, str]:
    verdict, reason, _ = throughput.proof([record], expected_of(problem), load, LibraryJudge().comparisons)
    return verdict, str(reason)


def judged(run: tuple[Path, list[ThroughputRecord]], record: ThroughputRecord, problem: Problem = PROBLEM) -> Any:
    return proof(record, lambda name: read_tensors(run[0] / "tensors" / name), problem)


@pytest.mark.peers
@pytest.mark.parametrize("name", LIBRARIES)
def test_every_variant_is_equal_and_timed(run: Any, name: str) -> None:
    records = of_peer(run, name)
    assert [(r.stage, r.last_step) for r in records] == [
        (s, v.name) for s, vs in LIBRARIES[name].stages.items() for v in vs
    ]
    rows = throughput_rows(records, lambda *_: expected_of(), lambda file: read_tensors(run[0] / "tensors" / file))
    assert len(rows) == len(records)
    for row, record in zip(rows, records, strict=True):
        assert row["verdict"] == "equal", row["reason"]
        assert row["images_per_second"] > 0
        assert (row["notation"], row["mode"], row["backend"]) == (name, "peer", LIBRARIES[name].backend)
        tensors = read_tensors(run[0] / "tensors" / record.before)
        gradients = {f"gradient/{weight}" for weight in PROBLEM.weights} if row["stage"] == "training_step" else set()
        assert set(tensors) == {"objective", "noise"} | gradients


def with_other_bound(record: ThroughputRecord) -> ThroughputRecord:
    return replace_fields(record, bound={"elbo": "elbo_monte_carlo"}.get(record.bound, "elbo"))


@pytest.mark.peers
@pytest.mark.parametrize("name", LIBRARIES)
def test_planted_errors_are_seen(run: Any, name: str) -> None:
    """What the library computed is held against a reference that has another weight, KL or bound."""
    for record in of_peer(run, name):
        swapped = dict(PROBLEM.weights)
        mean, log_variance = "encoder.mean.weight", "encoder.log_variance.weight"
        swapped[mean], swapped[log_variance] = swapped[log_variance], swapped[mean]
        other = {
            "heads swapped": (record, replace(PROBLEM, weights=swapped)),
            "KL halved": (record, replace(PROBLEM, spec=replace(SPEC, beta=0.5))),
            "other bound": (with_other_bound(record), PROBLEM),
        }
        if record.bound == "elbo_monte_carlo":
            del other["KL halved"]  # that bound has no weight of its KL
        for error, (planted, problem) in other.items():
            verdict, reason = judged(run, planted, problem)
            assert verdict == "differs", f"{name}: {record.stage} {record.last_step}: {error}"
            assert reason.startswith("pass 1, before timing: objective"), error


@pytest.mark.peers
@pytest.mark.parametrize("name", LIBRARIES)
def test_other_noise_is_seen(run: Any, name: str) -> None:
    record = of_peer(run, name)[-1]
    tensors = read_tensors(run[0] / "tensors" / record.before)
    verdict, reason = proof(record, lambda _: {**tensors, "noise": np.flip(tensors["noise"])})
    assert (verdict, "objective" in reason) == ("differs", True)
    verdict, reason = proof(record, lambda _: {**tensors, "noise": 0 * tensors["noise"]})
    assert (verdict, "noise's variance" in reason) == ("differs", True)


@pytest.mark.peers
def test_a_gradient_that_is_wrong_is_named(run: Any) -> None:
    for name in LIBRARIES:
        record = of_peer(run, name)[-1]
        tensors = read_tensors(run[0] / "tensors" / record.before)
        wrong = {**tensors, "gradient/decoder.logits.bias": 1.001 * tensors["gradient/decoder.logits.bias"]}
        verdict, reason = proof(record, lambda _, wrong=wrong: wrong)
        assert verdict == "differs"
        assert reason.startswith("pass 1, before timing: gradient/decoder.logits.bias"), name


def test_a_missing_library_is_a_row_with_what_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Library, "lacking", lambda self: ["something"] if self.name == "numpyro" else [])
    timings, missing = plan(tmp_path)
    assert {timing.cell.notation for timing in timings} == set(LIBRARIES) - {"numpyro"}
    assert [(record.cell.notation, record.stage) for record in missing] == [
        ("numpyro", s) for s in ("elbo", "training_step")
    ]
    rows = throughput_rows(
        [as_measured(as_document(record)) for record in missing], lambda *_: expected_of(), lambda _: {}
    )
    for row in rows:
        assert (row["verdict"], row["images_per_second"]) == ("missing", None)
        assert row["reason"] == "numpyro needs something: pip install 'elbostone[numpyro]'"


def test_what_no_library_has_is_not_planned(tmp_path: Path) -> None:
    tanh = replace(PROBLEM, spec=replace(SPEC, activation="tanh"))
    assert plan_libraries([(Workload("small", BATCH, tanh), "file")]) == ([], [])
    assert plan_libraries([(Workload("small", BATCH, PROBLEM), "file")], device="cuda") == ([], [])
