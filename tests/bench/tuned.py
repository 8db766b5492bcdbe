"""What the tests of optimisation steps share: small problems, their reference, and what a stage returned."""

from functools import cache
from typing import Any

import numpy as np

from elbostone.reference.oracle import rounded
from elbostone.reference.problem import Problem
from elbostone.reference.spec import Spec
from elbostone.reference.weights import random_weights
from elbostone.timing.measure.stages import Stage
from elbostone.timing.proof import Expected
from elbostone.timing.timed_problems import stage_reference
from elbostone.workers.subject import Subject

BATCH = 8
DENSE = Spec("mlp", "bernoulli", "standard", "tanh", hidden=(16,), data_dim=64, latent_dim=4)
CONV = Spec("conv", "bernoulli", "standard", "relu", (8,), 64, latent_dim=2, image_shape=(1, 8, 8), channels=(10, 8))
SPECS = {"pytorch_examples": DENSE, "kingma_welling_2013": DENSE, "keras_io": CONV}
STAGES = ("encoder", "decoder", "elbo", "training_step")


def problem_of(spec: Spec) -> Problem:
    generator = np.random.default_rng(7)
    x = (generator.random((BATCH, spec.data_dim)) < 0.3).astype(float)
    noise = generator.standard_normal((1, BATCH, spec.latent_dim))
    return Problem("tuning", spec, x, noise, random_weights(spec, 7))


@cache
def expected(spec: Spec, dtype: str) -> Expected:
    problem = problem_of(spec)
    return Expected(rounded(problem, dtype), stage_reference(problem, dtype, trained=True))


def unequal(subject: Subject, stage: Stage, outputs: Any) -> list[str]:
    """A line for each tensor of a first call that is not equal to the reference; of a training stage, two steps'."""
    tensors = stage.tensors(outputs)
    assert tensors
    compared = list(expected(subject.spec, subject.dtype).comparisons(tensors, stage.adam()))
    assert {c.tensor for c in compared} == set(tensors)
    return [c.describe() for c in compared if not c.equal]
