"""Keras' optimisation steps: each is equal to the reference, and two steps are two proven ones."""

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from bench.tuned import BATCH, DENSE, SPECS, STAGES, problem_of, unequal

from elbostone.backends import open_binding
from elbostone.backends.table import BACKENDS
from elbostone.notations.registry import notations, packages
from elbostone.notations.weight_maps import published_weights
from elbostone.reference import oracle
from elbostone.timing.measure.device import open_timing
from elbostone.timing.measure.stages import Stage, make_stage
from elbostone.timing.measure.training import ADAM, Training
from elbostone.timing.recipes.table import steps_of
from elbostone.workers.records import Cell
from elbostone.workers.subject import Subject, prepare

# NumPy 2 warns of how Keras 3.15 makes arrays of its variables, which `predict` does on torch.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

TUNED = tuple(pytest.param(name, marks=pytest.mark.backend(name)) for name in ("keras-tensorflow", "keras-jax"))
KERAS = tuple(pytest.param(name, marks=pytest.mark.backend(name)) for name in BACKENDS if name.startswith("keras-"))


def subject_of(name: str, notation: str, dtype: str = "float32", mode: str = "tuned") -> Subject:
    problem, binding = problem_of(SPECS[notation]), open_binding(name, "cpu")
    module = import_module(f"{packages()[notation]}.keras_vae")
    cell = Cell(problem.name, notation, "keras", name, "cpu", dtype, mode)
    return prepare(binding, cell, notations()[notation], module, problem)


def start_of(subject: Subject) -> dict[str, Any]:
    rounded = oracle.rounded(problem_of(subject.spec), subject.dtype)
    return published_weights(subject.maps, rounded.weights, "float32")


def dtypes(name: str) -> Iterator[str]:
    yield from (dtype for dtype in BACKENDS[name].timed_dtypes if dtype != "float64")


@pytest.mark.parametrize("name", TUNED)
@pytest.mark.parametrize("notation", list(SPECS))
def test_every_step_is_equal(name: str, notation: str) -> None:
    tried = 0
    for dtype in dtypes(name):
        subject = subject_of(name, notation, dtype)
        problem = problem_of(subject.spec)
        for stage in STAGES:
            for step in steps_of(name, subject.spec, stage, BATCH, dtype, "cpu"):
                subject.binding.put_weights(subject.model, start_of(subject))
                made = make_stage(subject, problem, stage, last_step=step.name)
                assert unequal(subject, made, made()) == [], f"{dtype} {stage} {step.name}"
                made()
                made.restore()
                assert unequal(subject, made, made()) == [], f"{dtype} {stage} {step.name}, after restore"
                graphs = made.graphs()
                assert graphs is not None
                assert (graphs.graphs, graphs.recompiles) == (1, 0), f"{dtype} {stage} {step.name}"
                tried += 1
    assert tried >= 8


def two_steps(training: Training, stage: Stage) -> dict[str, Any]:
    for _ in range(2):
        training.step(*stage.inputs)  # type: ignore[attr-defined]  # a training stage's own
    return training.weights()


@pytest.mark.parametrize("name", TUNED)
@pytest.mark.parametrize("notation", list(SPECS))
def test_two_tuned_steps_are_two_proven_steps(name: str, notation: str) -> None:
    """Adam's step has the length of the learning rate, whatever the gradient: rounding is far below it."""
    subject = subject_of(name, notation)
    problem = problem_of(subject.spec)
    proven = make_stage(replace(subject, mode="compiled"), problem, "training_step")
    expected = two_steps(proven.training, proven)  # type: ignore[attr-defined]
    start = start_of(subject)
    for step in steps_of(name, subject.spec, "training_step", BATCH, "float32", "cpu"):
        subject.binding.put_weights(subject.model, start)
        stage = make_stage(subject, problem, "training_step", last_step=step.name)
        found = two_steps(stage.training, stage)  # type: ignore[attr-defined]
        for path, weight in expected.items():
            moved = np.abs(weight - start[path]).max()
            if moved:
                assert moved > ADAM.learning_rate
            error = np.abs(found[path] - weight)
            # A gradient that is nothing but rounding has a sign of its own in each; nearly all have more.
            assert np.quantile(error, 0.9) <= 0.02 * ADAM.learning_rate, f"{step.name} {path}"


@pytest.mark.parametrize("name", TUNED)
def test_an_unknown_step_is_refused(name: str) -> None:
    subject = subject_of(name, "pytorch_examples")
    for stage in STAGES:
        with pytest.raises(ValueError, match="expected one of"):
            make_stage(subject, problem_of(DENSE), stage, last_step="no-such-rung")
    assert steps_of(name, DENSE, "encoder", BATCH, "float64", "cpu") == ()


@pytest.mark.parametrize("name", TUNED)
def test_a_step_that_is_not_restored_is_seen(name: str) -> None:
    subject = subject_of(name, "kingma_welling_2013")
    for step in steps_of(name, DENSE, "training_step", BATCH, "float32", "cpu"):
        stage = make_stage(subject, problem_of(DENSE), "training_step", last_step=step.name)
        stage()
        assert unequal(subject, stage, stage()) != [], step.name


@pytest.mark.parametrize("name", KERAS)
@pytest.mark.parametrize("notation", list(SPECS))
def test_predict_is_equal(name: str, notation: str) -> None:
    subject = subject_of(name, notation, mode="published")
    problem = problem_of(subject.spec)
    for stage in ("encoder", "decoder"):
        made = make_stage(subject, problem, stage)
        outputs = made()
        assert unequal(subject, made, outputs) == []
        assert made.where(outputs) == ("cpu", "float32")
        eager = make_stage(replace(subject, mode="eager"), problem, stage)
        expected = eager.tensors(eager())
        for tensor, array in made.tensors(made()).items():
            assert array == pytest.approx(expected[tensor], abs=1e-5)
