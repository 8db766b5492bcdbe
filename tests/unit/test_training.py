"""`elbostone train`: what a curve is held against, what is written of it, and one training of each backend."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from elbostone.backends.table import BACKENDS
from elbostone.notations.registry import notations
from elbostone.reference.arithmetic import Exact
from elbostone.reference.problem import Problem
from elbostone.report.tables import exit_code, read_rows
from elbostone.training.ascent import BATCH, MODELS, bound_of, minibatches, problem_of, train_reference
from elbostone.training.records import CurveRecord
from elbostone.training.tables import LATENTS, REFERENCE, SHOWN, latents, panels, pixels, rows_of, write_training
from elbostone.workers.records import Cell, number

EPOCHS = 1


@pytest.fixture(scope="module")
def few() -> dict[str, Problem]:
    """Both models on one minibatch of digits, so that an epoch is a step."""
    found = {}
    for name in MODELS:
        problem = problem_of(name)
        found[name] = replace(problem, x=problem.x[:BATCH], noise=problem.noise[:, :BATCH])
    return found


def record(bounds: list[float], backend: str = "torch", notation: str = "prince_2023") -> CurveRecord:
    cell = Cell("gaussian", notation, BACKENDS[backend].framework, backend, "cpu", "float64", "eager")
    return CurveRecord(cell=cell, status="ok", bound="elbo", bounds_nats=tuple(map(number, bounds)))


@pytest.fixture(scope="module")
def curve(few: dict[str, Problem]) -> list[float]:
    """The reference's."""
    return [float(bound[0]) for bound in train_reference(few["gaussian"], "elbo", Exact(), EPOCHS)[0]]


def test_the_reference_s_own_curve_is_equal_and_climbs(few: dict[str, Problem], curve: list[float]) -> None:
    rows = rows_of([record(curve)], few, EPOCHS)
    assert [(row["notation"], row["epoch"]) for row in rows] == [
        (name, epoch) for name in (REFERENCE, "prince_2023") for epoch in range(EPOCHS + 1)
    ]
    assert {row["verdict"] for row in rows} == {"equal"}
    assert {row["distance_nats"] for row in rows} == {0.0}
    (panel,) = panels(rows)
    assert panel["after_nats"] > panel["before_nats"] + 1
    assert (panel["notations"], panel["curves"], panel["apart_nats"], panel["verdict"]) == (1, 1, 0.0, "equal")
    assert exit_code(rows) == 0


OFF: dict[str, Callable[[float, float], float]] = {
    "twice what is allowed": lambda bound, tolerance: bound + 2 * tolerance,
    "as far below": lambda bound, tolerance: bound - 2 * tolerance,
    "NaN": lambda bound, tolerance: math.nan,
    "infinite": lambda bound, tolerance: -math.inf,
}


@pytest.mark.parametrize("off", OFF)
def test_a_curve_that_leaves_its_tolerance_differs(off: str, few: dict[str, Problem], curve: list[float]) -> None:
    """A planted error in the last epoch of one of two curves; half of what is allowed is no error."""
    tolerance = rows_of([record(curve)], few, EPOCHS)[0]["tolerance_nats"]
    wrong = [*curve[:-1], OFF[off](curve[-1], tolerance)]
    near = [*curve[:-1], curve[-1] + tolerance / 2]
    rows = rows_of([record(wrong), record(near, "keras-torch")], few, EPOCHS)
    assert {row["verdict"] for row in rows if row["backend"] == "torch"} == {"differs"}
    assert {row["verdict"] for row in rows if row["backend"] != "torch"} == {"equal"}
    (panel,) = panels(rows)
    assert panel["verdict"] == "differs" and not panel["apart_nats"] < tolerance / 2
    assert exit_code(rows) == 1


def test_a_training_without_a_curve_is_a_row_with_its_reason(few: dict[str, Problem], tmp_path: Path) -> None:
    cell = Cell("gaussian", "prince_2023", "torch", "torch", "cpu", "float64", "eager")
    rows = rows_of([CurveRecord(cell=cell, status="failed", reason="a pipe | in it")], few, EPOCHS)
    assert [(row["verdict"], row["reason"]) for row in rows] == [("failed", "a pipe | in it")]
    assert panels(rows) == [] and exit_code(rows) == 1
    weights = {name: weight[None] for name, weight in few["bernoulli"].weights.items()}
    write_training(rows, pixels(few["bernoulli"], weights), latents(few["bernoulli"], weights), tmp_path)
    assert "a pipe \\| in it" in (tmp_path / "training.md").read_text(encoding="utf-8")
    assert len(read_rows(tmp_path / "training_pixels.parquet")) == 4 * SHOWN * 64
    assert len(read_rows(tmp_path / "training_latents.parquet")) == min(LATENTS, BATCH)
    assert all(row["meaning"] for row in read_rows(tmp_path / "dictionary.parquet"))


def test_every_digit_comes_once_an_epoch_and_all_trainings_see_the_same() -> None:
    problem = problem_of("bernoulli")
    numbered = replace(problem, x=np.arange(len(problem.x))[:, None] * np.ones(64))
    epochs = [list(minibatches(numbered, epoch)) for epoch in (0, 0, 1)]
    first, again, second = (np.concatenate([part.x[:, 0] for part in parts]) for parts in epochs)
    assert len(set(first)) == len(first) == len(problem.x) // BATCH * BATCH
    assert (first == again).all() and (first != second).any()
    assert (epochs[0][0].noise == epochs[1][0].noise).all() and (epochs[0][0].noise != epochs[0][1].noise).any()


def test_one_draw_of_the_importance_weighted_bound_is_the_monte_carlo_elbo(few: dict[str, Problem]) -> None:
    assert {bound_of(notation) for notation in notations().values()} == {"elbo", "elbo_monte_carlo"}
    assert bound_of(notations()["burda_2016"]) == "elbo_monte_carlo"
    curves = [train_reference(few["bernoulli"], bound, Exact(), EPOCHS)[0] for bound in ("iwae", "elbo_monte_carlo")]
    np.testing.assert_allclose(*curves, rtol=1e-12)


def test_a_notation_that_writes_no_model_is_bad_input(tmp_path: Path) -> None:
    code, _, err = train(tmp_path, "--notation", "blei_2017")
    assert code == 2 and "--notation: expected a source with weights in a bernoulli or gaussian p(x|z)" in err
    assert not list(tmp_path.iterdir())


def train(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Run the verb in a folder: (exit code, stdout, stderr)."""
    command = [sys.executable, "-m", "elbostone", "train", *arguments]
    done = subprocess.run(command, cwd=folder, env={**os.environ}, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_an_implementation_trains_as_the_reference_does(backend: str, tmp_path: Path) -> None:
    """One epoch from the same weights: a lifted model on every backend."""
    code, out, err = train(
        tmp_path, "--backend", backend, "--notation", "rezende_2014", "--epochs", "1", "--json", "--out", "runs"
    )
    assert code == 0, err
    document = json.loads(out)
    assert [panel["model"] for panel in document["panels"]] == list(MODELS)
    for panel in document["panels"]:
        assert panel["verdict"] == "equal" and panel["apart_nats"] < panel["tolerance_nats"] < 1e-9
        assert panel["after_nats"] > panel["before_nats"] + 10
    (run,) = (tmp_path / "runs").iterdir()
    committed = subprocess.run(
        [sys.executable, "-m", "elbostone", "report", f"runs/{run.name}", "--commit", "training"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert committed.returncode == 0, committed.stderr
    kept = {path.name for path in (tmp_path / "reports/committed/training").iterdir()}
    assert {"run.json", "records.parquet", "training.md", "training.parquet", "training_latents.parquet"} <= kept
    assert "training.csv" not in kept and "problems" not in kept
