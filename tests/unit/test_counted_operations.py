"""The counted operations, against the frameworks' own counters, on real notations.

torch and TensorFlow count matrix products and convolutions by themselves, and must agree exactly; XLA counts all
arithmetic of a function, without the zeros of a padding, and must agree within what is computed element by element.
"""

import json
import subprocess
import sys
from functools import cache
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from unit.counted import MODELS, problem_of, stage_of
from unit.families import EVERY, draw

from elbostone.notations.notation import Notation
from elbostone.notations.registry import notations
from elbostone.notations.writing import written_by
from elbostone.reference.problem import Problem
from elbostone.reference.spec import Spec
from elbostone.reference.weights import weight_shapes
from elbostone.timing.judge.rooflines import COUNTED, flops, products
from elbostone.workers.environment import worker_environment
from elbostone.workers.jobs import Job

BATCH = 6
REFUSED = (
    *("full", "full-learned", "rank-one", "rank-one-learned", "rank-one-layers", "free", "free-learned"),
    *("vamp", "vamp-isotropic", "vamp-gated", "beta-vamp", "chain-two", "chain-three", "full-vb", "global"),
)


@cache
def counted_in_child(backend: str, batch: int) -> dict[str, dict[str, int]]:
    """What `counted.py` prints."""
    with TemporaryDirectory() as scratch:
        environment = worker_environment(Job(backend, x64=False), Path(scratch))
        command = [sys.executable, str(Path(__file__).with_name("counted.py")), backend, str(batch)]
        done = subprocess.run(command, env=environment, cwd=scratch, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, int]] = json.loads(done.stdout.splitlines()[-1])
    return found


def writers(problem: Problem) -> list[Notation]:
    """The notations that write a problem as it is."""
    found = []
    for notation in notations().values():
        embedded = written_by(notation, problem.spec)
        if embedded is not None and embedded.target == problem.spec:
            found.append(notation)
    return found


def by_torch(notation: str, problem: Problem, name: str) -> int:
    """What torch counts of one call: its matrix products and convolutions, forward and backward."""
    from torch.utils.flop_counter import FlopCounterMode

    stage = stage_of("torch", notation, problem, name, mode="eager")
    with FlopCounterMode(display=False) as counter:
        if name == "elbo":
            # The counter follows modules by their graph, which inference mode does not make.
            stage.subject.objective()(*stage.inputs)
        else:
            stage()
    return int(counter.get_total_flops())


@pytest.mark.backend("torch")
@pytest.mark.parametrize("stage", COUNTED)
@pytest.mark.parametrize("notation", MODELS)
def test_torch_counts_the_same(notation: str, stage: str) -> None:
    problem = problem_of(MODELS[notation], BATCH)
    assert by_torch(notation, problem, stage) == flops(problem.spec, stage, BATCH)


@pytest.mark.backend("torch")
@pytest.mark.parametrize("family", [name for name in EVERY if name not in REFUSED])
def test_torch_counts_the_same_for_every_family(family: str) -> None:
    problem = draw(EVERY[family], samples=1)
    spec, batch = problem.spec, len(problem.x)
    for notation in writers(problem):
        # Its weights w are log p(x, h) − log q(h|x), and q is evaluated once for the draw and once for its density.
        twice = notation.id == "burda_2016"
        for stage in COUNTED:
            counted = by_torch(notation.id, problem, stage)
            if not (twice and stage in ("elbo", "training_step")):
                assert counted == flops(spec, stage, batch), (notation.id, stage)
            elif stage == "elbo":
                matrices = [s for n, s in weight_shapes(spec).items() if n.startswith("encoder.") and len(s) == 2]
                assert counted == flops(spec, stage, batch) + sum(2 * batch * prod(shape) for shape in matrices)


def test_refused_are_the_families_that_are_not_timed() -> None:
    for family, document in EVERY.items():
        spec = draw(document).spec
        if family in REFUSED:
            with pytest.raises(ValueError, match="operations are counted"):
                flops(spec, "elbo", BATCH)
        else:
            assert flops(spec, "elbo", BATCH) > 0
    with pytest.raises(ValueError, match="'no-such-stage'"):
        flops(draw(EVERY["mlp-bernoulli"]).spec, "no-such-stage", BATCH)


@pytest.mark.backend("keras-tensorflow")
@pytest.mark.parametrize("stage", COUNTED)
@pytest.mark.parametrize("notation", MODELS)
def test_tensorflow_counts_the_same(notation: str, stage: str) -> None:
    spec = MODELS[notation]
    total = sum(counted_in_child("keras-tensorflow", BATCH)[f"{notation} {stage}"].values())
    if (notation, stage) == ("keras_io", "training_step"):
        # The tape asks for the gradient of the image too, which the optimiser of graphs takes out again.
        total -= 2 * BATCH * 14 * 14 * 9 * 32
    if (notation, stage) == ("kingma_welling_2013", "training_step"):
        # Its decoder has an axis of draws, and for the batched product of a transposed matrix, of the weights'
        # gradients, TensorFlow takes the wrong axis as the one that is summed over: 500 (20) instead of 6.
        total -= 2 * 500 * 784 * (500 - BATCH) + 2 * 20 * 500 * (20 - BATCH)
    assert total == flops(spec, stage, BATCH)


def without_padding(spec: Spec, stage: str, batch: int) -> float:
    """The counted operations less those on zeros: along a side, a kernel of 3 lies inside in so many of its places."""
    if spec.network == "mlp":
        return flops(spec, stage, batch)
    # Output side → places inside, of all: stride 2 pads at the far end by one, stride 1 at both.
    inside = {14: 3 * 14 - 1, 7: 3 * 7 - 1, 28: 3 * 28 - 2}
    total = 0.0
    for product in products(spec, stage, batch):
        sides = [side for side in inside if side * side * batch in (product.m, product.k, product.n)]
        total += product.flops * prod((inside[side] / (3 * side)) ** 2 for side in sides)
    return total


@pytest.mark.backend("keras-jax")
@pytest.mark.parametrize("stage", COUNTED)
@pytest.mark.parametrize("notation", MODELS)
def test_xla_counts_the_same_and_what_is_done_element_by_element(notation: str, stage: str) -> None:
    spec, batch = MODELS[notation], 32
    counted = counted_in_child("keras-jax", batch)[f"{notation} {stage}"]["all"]
    # Activations, their densities and derivatives: at most 20 operations for each; Adam: at most 16 for each weight.
    maps = sum(2 * width * (28 >> i) ** 2 for i, width in enumerate(spec.channels or ()))
    activations = batch * (2 * spec.data_dim + 2 * sum(spec.hidden) + 6 * spec.latent_dim + maps)
    weights = sum(prod(shape) for shape in weight_shapes(spec).values()) if stage == "training_step" else 0
    extra = counted - without_padding(spec, stage, batch)
    assert 0 <= round(extra) <= 20 * activations + 16 * weights
    assert extra < 0.1 * counted, "so that a forgotten product of any size would show"
