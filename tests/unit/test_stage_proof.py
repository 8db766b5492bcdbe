"""What a stage returned against the reference: rows are folded, nothing is passed over, a reference is complete."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from elbostone.reference.adam import AFTER, Adam, objective_after
from elbostone.reference.oracle import evaluate, rounded
from elbostone.reference.problem import Problem, save_problem
from elbostone.reference.spec import Spec
from elbostone.reference.weights import random_weights
from elbostone.timing.measure.stages import repeated
from elbostone.timing.proof import OF_SUM, Expected, fold, load_reference, reference_file
from elbostone.timing.timed_problems import rounding_of_a_sum, stage_reference, write_references

ROWS, TIMES = 4, 3
SPEC = Spec("mlp", "bernoulli", "standard", "tanh", hidden=(5,), data_dim=6, latent_dim=2)
RANDOM = np.random.default_rng(0)
PROBLEM = rounded(
    Problem("p", SPEC, RANDOM.random((ROWS, 6)), RANDOM.standard_normal((1, ROWS, 2)), random_weights(SPEC, 0)),
    "float32",
)
ADAM = Adam(scale=0.5, epsilon=1e-8, corrected=True)
EXPECTED = Expected(PROBLEM, stage_reference(PROBLEM, "float32", trained=True), TIMES)
WHOLE = repeated(PROBLEM, TIMES * ROWS)


def found() -> dict[str, np.ndarray]:
    """What a right stage returns of the whole batch, by the reference on all of its rows."""
    tensors = evaluate(WHOLE)
    kept = ("posterior_mean", "decoder_logits", "objective", *(n for n in tensors if n.startswith("gradient/")))
    return {**{name: tensors[name] for name in kept}, AFTER: np.asarray(objective_after(WHOLE, ADAM))}


def wrong(tensors: dict[str, np.ndarray]) -> list[str]:
    return [c.tensor for c in EXPECTED.comparisons(fold(tensors, TIMES), ADAM) if not c.equal]


def test_a_batch_of_repeated_rows_is_held_against_its_rows() -> None:
    assert wrong(found()) == []
    names = {c.tensor for c in EXPECTED.comparisons(fold(found(), TIMES), ADAM)}
    assert names == set(found())


def test_an_error_in_one_repetition_is_seen() -> None:
    for name, index in (("posterior_mean", (ROWS + 1, 0)), ("decoder_logits", (0, 2 * ROWS + 3, 5))):
        for error in (1e-3, -1e-3, np.nan):
            tensors = found()
            tensors[name] = tensors[name].copy()
            tensors[name][index] += error
            assert wrong(tensors), (name, error)


def test_a_sum_over_one_repetition_alone_is_seen() -> None:
    for name in ("objective", "gradient/encoder.mean.bias", AFTER):
        assert name in wrong({**found(), name: found()[name] / TIMES})


@pytest.mark.parametrize("times", [64, 512])
def test_a_long_sum_may_round_as_often_as_it_adds(times: int) -> None:
    """First to last in float32, as a plain loop adds; what is lost or doubled of it is still seen."""
    expected = replace(EXPECTED, repeats=times)
    exact = evaluate(PROBLEM, gradients=False)["elbo"]
    rows = np.tile(exact.astype(np.float32), times)
    plain = np.cumsum(rows, dtype=np.float32)[-1]
    assert abs(plain - times * exact.sum()) > 0

    def equal(found: float) -> bool:
        (compared,) = expected.comparisons({"objective": np.asarray(found)}, None)
        return compared.equal

    assert equal(float(plain))
    for error in (-rows[0], rows[0]):
        assert not equal(float(plain + error)), "one of so many rows"
    with_parts_alone = times * EXPECTED.reference.tolerances["objective"]
    assert with_parts_alone < expected.tolerance("objective") < times * with_parts_alone
    assert replace(EXPECTED, repeats=1).tolerance("objective") == EXPECTED.reference.tolerances["objective"]
    assert expected.tolerance("elbo") == EXPECTED.reference.tolerances["elbo"], "what is per datum is no sum"


def test_the_rounding_of_a_sum_grows_as_its_square_root() -> None:
    shares = {parts: rounding_of_a_sum(parts, "float32") for parts in (1, 128, 512, 2048)}
    assert shares[1] == 0, "one number is no sum"
    # Steps of ε·k/n·u, u uniform: their squares add up to ε²·n/9; the largest of 16 is about twice the deviation.
    for parts in (128, 512, 2048):
        assert 1.8 < shares[parts] / (2.0**-23 * parts**0.5 / 3) < 2.4


def test_sums_are_added_up_in_float32_where_products_are_of_less() -> None:
    """In bfloat16 a sum of so many terms, first to last, would be allowed to be anything."""
    lower = stage_reference(rounded(PROBLEM, "bfloat16"), "bfloat16", trained=True)
    for name, tensor in lower.tensors.items():
        if name + OF_SUM in lower.tolerances:
            assert lower.tolerances[name + OF_SUM] < 1e-5 * np.abs(tensor).max()


def test_what_has_no_reference_is_not_passed_over() -> None:
    without = replace(EXPECTED, reference=stage_reference(PROBLEM, "float32", trained=False))
    tensors = {name: tensor for name, tensor in found().items() if name != AFTER}
    missing = [c.tensor for c in without.comparisons(fold(tensors, TIMES), ADAM) if not c.equal]
    assert sorted(missing) == sorted(name for name in tensors if name.startswith("gradient/"))


def test_a_reference_without_a_training_step_is_made_again_with_it(tmp_path: Path) -> None:
    file = save_problem(PROBLEM, tmp_path)

    def has_update() -> bool:
        return AFTER in load_reference(reference_file(file, "float32"), "float32").tolerances

    write_references({(file, "float32", "elbo"): False}, 1)
    assert not has_update()
    write_references({(file, "float32", "elbo"): True}, 1)
    assert has_update()
    before = reference_file(file, "float32").stat().st_mtime_ns
    for trained in (True, False):
        write_references({(file, "float32", "elbo"): trained}, 1)
    assert reference_file(file, "float32").stat().st_mtime_ns == before
