"""θ in each backend: the small models, the trained VAE and the trainings, each against the definition."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit import theta_child
from unit.theta_planted import CASES, planted

from elbostone.reference import oracle
from elbostone.reference.arithmetic import EPSILON, Arithmetic, Array, Exact, Perturbed
from elbostone.reference.problem import Problem, read_tensors, save_tensors
from elbostone.reference.tolerance import K
from elbostone.reference.truth import Truth
from elbostone.theta import digits as models
from elbostone.theta import expected
from elbostone.theta.judge import agreement, readings, small_models
from elbostone.theta.phase import write_inputs
from elbostone.theta.plan import (
    ACCUMULATOR,
    BATCH,
    BY_NAME,
    STEP_SIZE,
    TRAIN,
    batches,
    is_generative,
    split_digits,
    start,
)
from elbostone.theta.trainings import load_trained
from elbostone.workers.environment import worker_environment
from elbostone.workers.jobs import Job

DIGITS = 4
"""Held-out digits of the readings here; the command reads more."""


def problems() -> dict[str, Problem]:
    found = models.problems(load_trained().weights, split_digits()[1])
    return {n: replace(p, x=p.x[:DIGITS], noise=p.noise[:, :DIGITS]) for n, p in found.items()}


@pytest.fixture(scope="session")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Backend → the folder that `theta_child` filled, made once."""

    @cache
    def run(backend: str) -> Path:
        folder = tmp_path_factory.mktemp(f"theta-{backend}")
        write_inputs(problems(), folder / "inputs")
        save_tensors({"train": split_digits()[0]}, folder / "digits.safetensors")
        command = [sys.executable, theta_child.__file__, backend, str(folder)]
        environment = worker_environment(Job(backend), folder / "scratch")
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{backend}:\n{done.stderr[-4000:]}"
        return folder

    return run


@cache
def small_truth() -> Truth:
    return expected.truth_of(CASES[name] for name in theta_child.QUICK)


def test_small_models_agree_with_the_definition(backend: str, outcome: Callable[[str], Path]) -> None:
    found = {backend: read_tensors(outcome(backend) / "densities.safetensors")}
    for name in theta_child.QUICK:
        (one,) = agreement.agreements(name, small_truth(), found, f"{name}/")
        assert one.verdict == "equal", f"{backend}: {name}: {one.first_divergence}"


@pytest.mark.parametrize("name", theta_child.QUICK)
def test_zeros_are_exact_where_nothing_is_read(backend: str, name: str, outcome: Callable[[str], Path]) -> None:
    found = {backend: read_tensors(outcome(backend) / "densities.safetensors")}
    broken = [e for e in small_models.dependency_table(CASES[name], found) if not e.holds]
    assert not broken, broken[0]


def test_a_leak_of_a_trillionth_is_seen(backend: str, outcome: Callable[[str], Path]) -> None:
    found = {backend: read_tensors(outcome(backend) / "leak.safetensors")}
    table = small_models.dependency_table(planted()["leak"], found)
    broken = {(entry.row, entry.weight) for entry in table if not entry.holds}
    assert broken == {("p(z)", "decoder.logits.bias")}


@cache
def vae_truth() -> Truth:
    return expected.expectations(problems(), models.latents(), models.fitted())


def test_the_trained_vae_agrees_with_the_definition_and_bears_the_readings_out(
    backend: str, outcome: Callable[[str], Path]
) -> None:
    found = read_tensors(outcome(backend) / "readings.safetensors")
    (one,) = agreement.agreements(agreement.VAE, vae_truth(), {backend: found})
    assert one.verdict == "equal", f"{backend}: {one.first_divergence}"
    for statement in readings.reading_statements(found, vae_truth(), problems()["learned"]):
        assert statement.holds, f"{backend}: {statement.sentence}"


# Trainings: a few steps, in lockstep with the oracle's


def adagrad(frozen: bool) -> oracle.Update:
    """The rule of `training.Adagrad`, in any arithmetic."""
    sums: dict[str, Array] = {}

    def update(arithmetic: Arithmetic, weights: dict[str, Array], gradients: dict[str, Array]) -> dict[str, Array]:
        round_, new = arithmetic.round, dict(weights)
        for name in weights:
            if not (frozen and is_generative(name)):
                g = round_(TRAIN / BATCH * gradients[name])
                sums[name] = round_(sums.get(name, np.full(g.shape, ACCUMULATOR)) + round_(g * g))
                new[name] = round_(weights[name] + round_(STEP_SIZE * round_(g / round_(np.sqrt(sums[name])))))
        return new

    return update


def lockstep(name: str, arithmetic: Arithmetic) -> dict[str, Array]:
    """The oracle's weights [run, ...] after the last step of `frozen` or `one-copy`."""
    regime = BY_NAME[name]
    steps = list(batches(split_digits()[0], 0, regime.spec.latent_dim, theta_child.STEPS))
    *_, last = _trajectory(name, steps, arithmetic)
    return last


def _trajectory(name: str, steps: list[Any], arithmetic: Arithmetic) -> Iterator[dict[str, Array]]:
    regime = BY_NAME[name]
    rule = adagrad(frozen=name == "frozen")
    x, noise = zip(*steps, strict=True)
    for _, weights in oracle.gradient_ascent(regime.spec, start(regime, 0), x, noise, rule, arithmetic):
        yield weights


@pytest.mark.parametrize("name", ["frozen", "one-copy"])
def test_training_stays_with_the_oracle(backend: str, name: str, outcome: Callable[[str], Path]) -> None:
    found = read_tensors(outcome(backend) / f"{name}.safetensors")
    exact = lockstep(name, Exact())
    moved = lockstep(name, Perturbed(EPSILON["float64"], 8, 0))
    for weight, value in exact.items():
        allowed = K * float(np.abs(moved[weight] - value).max())
        assert np.abs(found[weight] - value[0]).max() <= allowed, f"{backend}: {weight}"


def test_frozen_weights_do_not_move(backend: str, outcome: Callable[[str], Path]) -> None:
    found, before = read_tensors(outcome(backend) / "frozen.safetensors"), start(BY_NAME["frozen"], 0)
    moved = {name for name, weight in found.items() if not np.array_equal(weight, before[name])}
    assert moved == {name for name in before if not is_generative(name)}


def test_tied_weights_are_one(backend: str, outcome: Callable[[str], Path]) -> None:
    found, before = read_tensors(outcome(backend) / "tied.safetensors"), start(BY_NAME["tied"], 0)
    assert found.keys() == before.keys()
    assert all(np.abs(found[name] - before[name]).max() > 0 for name in before)


def test_two_copies_train_as_one_and_leave_what_they_do_not_read(backend: str, outcome: Callable[[str], Path]) -> None:
    one = read_tensors(outcome(backend) / "one-copy.safetensors")
    two = read_tensors(outcome(backend) / "two-copies.safetensors")
    before = start(BY_NAME["two-copies"], 0)
    for name, weight in one.items():
        read = name if not is_generative(name) else f"{'first' if name.startswith('prior') else 'second'}/{name}"
        assert np.allclose(two[read], weight, rtol=0, atol=1e-12), f"{backend}: {read}"
        if is_generative(name):
            idle = f"{'second' if name.startswith('prior') else 'first'}/{name}"
            assert np.array_equal(two[idle], before[idle]), f"{backend}: {idle}"
