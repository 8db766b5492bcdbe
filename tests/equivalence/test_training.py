"""Training is real: in lockstep with the oracle's, Algorithm 1 to a stated bound, and `fit` of every model."""

import json
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from equivalence import training_worker
from equivalence.training_worker import ALPHA, BATCH, DTYPES, RULE, SEEDS, SIZES, STEPS, rule_in

from elbostone.reference import oracle
from elbostone.reference.arithmetic import EPSILON, Arithmetic, Array, Exact, Perturbed
from elbostone.reference.comparison import compare
from elbostone.reference.data import digits
from elbostone.reference.problem import Problem, read_tensors, save_problem, save_tensors
from elbostone.reference.spec import Spec
from elbostone.reference.tolerance import K
from elbostone.reference.weights import random_weights, weight_shapes
from elbostone.workers.environment import worker_environment
from elbostone.workers.jobs import Job
from elbostone.workers.subject import DATA_COUNT

SPEC = Spec("mlp", "bernoulli", "standard", "tanh", (SIZES["hidden"],), SIZES["D"], SIZES["J"])
Weights = dict[str, Array]


@dataclass(frozen=True)
class Budget:
    """How long Algorithm 1 trains, and what it reaches by then.

    Attributes:
        minibatches: of each training.
        reached: nats of held-out ELBO that the mean of the seeds exceeds and no broken training does.
        spread: nats, standard deviation between seeds. The three seeds at hand would estimate it too roughly; and a
            seed does not fix its outcome: sums that a library orders otherwise end 2,000 steps later in another one.
    """

    minibatches: int
    reached: float
    spread: float


# A collapsed posterior has at best the −25.3 nats of independent pixels. Over 14 trainings (8 by the oracle's
# gradients, 6 by torch's) 400 minibatches reach −21.2; with the KL counted twice, over 5 seeds, −23.7 ± 0.5.
SHORT = Budget(400, reached=-22.3, spread=0.37)
# −19.1 on each backend and by the oracle's gradients, over 18 trainings.
LONG = Budget(2000, reached=-19.7, spread=0.16)


@pytest.fixture(scope="session")
def budget(everything: bool) -> Budget:
    return LONG if everything else SHORT


@pytest.fixture(scope="session")
def outcome(tmp_path_factory: pytest.TempPathFactory, budget: Budget) -> Callable[[str, str], Path]:
    """(task, backend) → the file that `training_worker` left, made once."""
    folder = tmp_path_factory.mktemp("training")
    save_problem(lockstep_problem(), folder)
    save_tensors(split_digits(), folder / "digits.safetensors")

    @cache
    def run(task: str, backend: str) -> Path:
        scratch = tmp_path_factory.mktemp(f"{task}-{backend}")
        command = [sys.executable, training_worker.__file__, task, backend, str(folder), str(budget.minibatches)]
        environment = worker_environment(Job(backend), scratch)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{task} on {backend}:\n{done.stderr[-4000:]}"
        return next(folder.glob(f"{task}-{backend}.*"))

    return run


# Lockstep: 20 steps with the same weights, minibatches, noise and rule


def lockstep_problem() -> Problem:
    """All minibatches one after the other, [step·batch, data]."""
    random = np.random.default_rng(0)
    x = digits(binarised=True)[random.integers(DATA_COUNT, size=STEPS * BATCH)]
    noise = random.standard_normal((1, len(x), SPEC.latent_dim))
    return Problem("lockstep", SPEC, x, noise, random_weights(SPEC, 0))


def adagrad(learning_rate: float, accumulator: float, scale: float) -> oracle.Update:
    """Ascent by Adagrad on `scale` times the gradients; Σg² starts at `accumulator`, and its root stays as it is."""
    sums: Weights = {}

    def update(arithmetic: Arithmetic, weights: Weights, gradients: Weights) -> Weights:
        round_, new = arithmetic.round, {}
        for name, weight in weights.items():
            g = round_(scale * gradients[name])
            sums[name] = round_(sums.get(name, np.full(g.shape, accumulator)) + round_(g * g))
            new[name] = round_(weight + round_(round_(learning_rate * g) / round_(np.sqrt(sums[name]))))
        return new

    return update


def lockstep(dtype: str, arithmetic: Arithmetic) -> Iterator[Weights]:
    """The oracle's weights [run, ...] after every step."""
    problem, rule = oracle.rounded(lockstep_problem(), dtype), rule_in(dtype)
    batches, noises = np.split(problem.x, STEPS), np.split(problem.noise, STEPS, axis=1)
    update = adagrad(rule.learning_rate, rule.accumulator, DATA_COUNT / BATCH)
    for _, weights in oracle.gradient_ascent(SPEC, problem.weights, batches, noises, update, arithmetic):
        yield weights


@cache
def truth(dtype: str) -> tuple[list[Weights], list[dict[str, float]]]:
    """Weights after every step, and their N: the largest deviation of 16 perturbed trainings, each on its own path."""
    exact = [{name: weight[0] for name, weight in weights.items()} for weights in lockstep(dtype, Exact())]
    perturbed = lockstep(dtype, Perturbed(EPSILON[dtype], runs=16, seed=0))
    scales = [
        {name: float(np.abs(weight - true[name]).max()) for name, weight in weights.items()}
        for weights, true in zip(perturbed, exact, strict=True)
    ]
    return exact, scales


def departures(found: dict[str, Array], dtype: str, variant: str) -> list[str]:
    """A line for every tensor of every step that is not within K·N of the oracle's."""
    exact, scales = truth(dtype)
    lines = []
    for step in range(STEPS):
        for name in weight_shapes(SPEC):
            weight = found[f"{dtype}/{variant}/{step}/{name}"]
            result = compare(name, weight, exact[step][name], K * scales[step][name], dtype)
            if not result.equal:
                lines.append(f"step {step + 1}: {result.describe()}")
    return lines


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("variant", ["right", "restored"])
def test_twenty_steps_of_adagrad_stay_with_the_oracle(
    backend: str, variant: str, dtype: str, outcome: Callable[[str, str], Path]
) -> None:
    lines = departures(read_tensors(outcome("lockstep", backend)), dtype, variant)
    assert not lines, f"{backend} {dtype}: {len(lines)} tensors depart, first\n{lines[0]}"


@pytest.mark.implied  # by each that stays with the oracle, within half of what is allowed here
@pytest.mark.parametrize("dtype", DTYPES)
def test_twenty_steps_of_two_backends_stay_together(
    dtype: str, installed_backends: tuple[str, ...], outcome: Callable[[str, str], Path]
) -> None:
    if len(installed_backends) < 2:
        pytest.skip("a pair needs two installed backends")
    _, scales = truth(dtype)
    found = {backend: read_tensors(outcome("lockstep", backend)) for backend in installed_backends}
    for one, other in combinations(installed_backends, 2):
        for step in range(STEPS):
            for name in weight_shapes(SPEC):
                a, b = (found[backend][f"{dtype}/right/{step}/{name}"] for backend in (one, other))
                result = compare(name, a, b, 2 * K * scales[step][name], dtype)
                assert result.equal, f"{one} and {other} {dtype}, step {step + 1}: {result.describe()}"


# Adagrad divides a gradient by the root of its own squares: dropping N/M changes nothing but what the start c weighs
# beside Σg², as if c were (N/M)² times as large. That shows because this c is not negligible; so does an ε of 1e-7 in
# place of c, outside the root in torch and inside in Keras. Besides c, an ε of 1e-7 changes a step by less than float32
# resolves, and is no error there.
PLANTS = [
    *((plant, dtype) for plant in ("learning rate", "no N/M", "epsilon instead") for dtype in DTYPES),
    ("epsilon besides", "float64"),
]


@pytest.mark.parametrize(("plant", "dtype"), PLANTS)
def test_planted_errors_leave_the_oracle(
    backend: str, plant: str, dtype: str, outcome: Callable[[str, str], Path]
) -> None:
    lines = departures(read_tensors(outcome("lockstep", backend)), dtype, plant)
    assert lines, f"{backend} {dtype}: '{plant}' stays within the tolerance for {STEPS} steps"
    assert lines[0].startswith("step 1:"), lines[0]


def test_the_rule_is_the_one_that_algorithm_1_has() -> None:
    assert RULE.name == "adagrad"
    assert RULE.accumulator == 0.1
    assert RULE.learning_rate in (0.01, 0.02, 0.1)


# Algorithm 1, to a bound that no broken training reaches


@cache
def split_digits() -> dict[str, Array]:
    """`train` [1437, data], `held_out` [360, data], binarised, and `noise` [10, 360, latent] to score the latter."""
    random = np.random.default_rng(0)
    x = digits(binarised=True)[random.permutation(DATA_COUNT)]
    return {"train": x[:1437], "held_out": x[1437:], "noise": random.standard_normal((10, 360, SPEC.latent_dim))}


@cache
def oracle_elbos(minibatches: int) -> list[float]:
    """Mean held-out ELBO of every seed by ascent on the oracle's gradients, otherwise as in Algorithm 1."""
    data = split_digits()
    train, elbos = data["train"], []
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        start = {name: random.normal(0, 0.1, shape) for name, shape in weight_shapes(SPEC).items()}
        batches = (train[random.integers(len(train), size=BATCH)] for _ in range(minibatches))
        noises = (random.standard_normal((1, BATCH, SPEC.latent_dim)) for _ in range(minibatches))
        update = adagrad(ALPHA, RULE.accumulator, len(train) / BATCH)
        steps = oracle.gradient_ascent(SPEC, start, batches, noises, update, Exact())
        ((_, weights),) = deque(steps, maxlen=1)
        trained = {name: weight[0] for name, weight in weights.items()}
        problem = Problem("held-out", SPEC, data["held_out"], data["noise"], trained)
        elbos.append(float(oracle.evaluate(problem, gradients=False)["elbo"].mean()))
    return elbos


def described(elbos: list[float]) -> str:
    return f"{np.mean(elbos):.2f} ± {np.std(elbos, ddof=1):.2f} nats"


def test_algorithm_1_reaches_its_bound_as_ascent_on_the_oracle_does(
    backend: str, budget: Budget, outcome: Callable[[str, str], Path]
) -> None:
    own, theirs = (
        oracle_elbos(budget.minibatches),
        json.loads(outcome("algorithm_1", backend).read_text(encoding="utf-8"))["trained"],
    )
    print(f"\n{backend}: {described(theirs)}; oracle: {described(own)}")  # by pytest -s: figures for the README
    assert np.mean(own) > budget.reached, own
    assert np.mean(theirs) > budget.reached, theirs
    assert abs(np.mean(own) - np.mean(theirs)) < 3 * budget.spread, f"{backend}: {theirs}; oracle: {own}"


def test_broken_trainings_do_not_reach_the_bound(
    backend: str, budget: Budget, outcome: Callable[[str, str], Path]
) -> None:
    found = json.loads(outcome("algorithm_1", backend).read_text(encoding="utf-8"))
    reached = {name: elbo for name, elbo in found["planted"].items() if elbo > budget.reached}
    assert found["planted"]
    assert not reached, reached
    assert found["untrained"] < 2 * LONG.reached


# Ordinary training of every model


def test_every_model_trains_in_its_frameworks_ordinary_way(backend: str, outcome: Callable[[str, str], Path]) -> None:
    losses: dict[str, Any] = json.loads(outcome("fit", backend).read_text(encoding="utf-8"))
    assert losses.keys() == training_worker.models().keys()
    for model, (_, spec) in training_worker.models().items():
        epochs = losses[model]
        # A unit variance adds 59 nats a digit to the loss that no training takes away.
        least = 0.9 if spec.likelihood == "bernoulli" else 0.95
        assert np.isfinite(epochs).all(), f"{model}: {epochs}"
        assert epochs[-1] < least * epochs[0], f"{model}: the loss does not fall: {epochs}"
