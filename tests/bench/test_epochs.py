"""The stage `epoch`: the reference trains along, on the order and noise that a pass took, and sees what is wrong."""

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from bench.tuned import BATCH, SPECS, problem_of

from elbostone.backends import open_binding
from elbostone.backends.table import BACKENDS
from elbostone.notations.registry import notations, packages
from elbostone.reference.oracle import rounded
from elbostone.timing.measure.epoch_stage import EpochStage, make_epoch
from elbostone.timing.proof import NOISE, ORDER, PASS, PASS_STEPS, Expected
from elbostone.timing.recipes.table import steps_of
from elbostone.timing.timed_problems import stage_reference
from elbostone.workers.records import Cell
from elbostone.workers.subject import prepare

# NumPy 2 warns of how Keras 3.15 makes arrays of its variables, and of what torch's compiler imports.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning"),
]

IMAGES = np.random.default_rng(3).integers(0, 256, (6 * BATCH + 3, 64), dtype=np.uint8)
EVERY = [pytest.param(name, marks=pytest.mark.backend(name)) for name in BACKENDS]


def epochs(name: str, notation: str) -> Iterator[tuple[str, EpochStage]]:
    """As published, and the first and the last step."""
    backend, problem = BACKENDS[name], problem_of(SPECS[notation])
    module = import_module(f"{packages()[notation]}.{backend.framework}_vae")
    binding = open_binding(name, "cpu")
    cell = Cell(problem.name, notation, backend.framework, name, "cpu", "float32", "published")
    subject = prepare(binding, cell, notations()[notation], module, problem)
    yield "published", make_epoch(subject, problem, IMAGES, BATCH)
    if "tuned" in backend.stage_modes:
        steps = steps_of(name, subject.spec, "epoch", BATCH, "float32", "cpu")
        for step in (steps[0], steps[-1]):
            binding.put_weights(subject.model, subject.starting_weights(problem))
            yield (
                step.name,
                make_epoch(replace(subject, mode="tuned"), problem, IMAGES, BATCH, last_step=step.name),
            )


def wrong(stage: EpochStage, notation: str, tensors: dict[str, Any]) -> list[str]:
    problem = problem_of(SPECS[notation])
    expected = Expected(rounded(problem, "float32"), stage_reference(problem, "float32", ("epoch",)), 1, IMAGES)
    compared = list(expected.comparisons(tensors, stage.adam()))
    assert [comparison.tensor for comparison in compared] == [PASS]
    return [comparison.describe() for comparison in compared if not comparison.equal]


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("notation", ["pytorch_examples", "keras_io"])
def test_a_pass_is_the_definitions(name: str, notation: str) -> None:
    for how, stage in epochs(name, notation):
        assert stage.images == 6 * BATCH, "what is left at the end is dropped"
        outputs = stage()
        assert stage.where(outputs) == ("cpu", "float32"), how
        tensors = stage.tensors(outputs)
        assert tensors[ORDER].shape == (PASS_STEPS, BATCH)
        assert len(set(tensors[ORDER].ravel())) == PASS_STEPS * BATCH, "each image once"
        assert abs(tensors[NOISE].mean()) < 0.5
        assert wrong(stage, notation, tensors) == [], how
        same = stage.tensors(stage())
        assert all(np.array_equal(same[drawn], tensors[drawn]) for drawn in (ORDER, NOISE)), (
            f"{how}: one truth for both"
        )
        stage.draw = 2
        again = stage.tensors(stage())
        assert not np.array_equal(again[ORDER], tensors[ORDER]), how
        assert wrong(stage, notation, again) == [], f"{how}, again"
        # What is planted: another image, other noise, an update that is a tenth too long.
        assert wrong(stage, notation, {**again, ORDER: np.roll(again[ORDER], 1)}) != [], how
        assert wrong(stage, notation, {**again, NOISE: -again[NOISE]}) != [], how
        rule = replace(stage.adam(), learning_rate=1.1e-3)
        stage.adam = lambda rule=rule: rule  # type: ignore[method-assign,misc]
        assert wrong(stage, notation, again) != [], how
