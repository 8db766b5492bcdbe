"""The comparison itself: what is equal, what is named first, and what a verdict says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from elbostone.equality.exclusions import Exclusion, exclusion_of, load_exclusions
from elbostone.equality.judge import COLUMNS, Row, against_each_other, by_cell, cell_verdict, judge, proven
from elbostone.equality.records import EqualityRecord
from elbostone.reference.comparison import Comparison, first_divergence
from elbostone.reference.errors import BadInput
from elbostone.reference.oracle import evaluate, rounded
from elbostone.reference.problem import Problem
from elbostone.reference.spec import Spec
from elbostone.reference.tolerance import tolerances
from elbostone.reference.truth import Truth, against_truth, flow, truth_of
from elbostone.reference.weights import random_weights
from elbostone.workers.records import Cell

SPEC = Spec("mlp", "bernoulli", "standard", "tanh", (4,), 5, 2)
BATCH = 3


@pytest.fixture(scope="module")
def problem() -> Problem:
    random = np.random.default_rng(7)
    x = random.random((BATCH, SPEC.data_dim)).round()
    return Problem("small", SPEC, x, random.standard_normal((2, BATCH, SPEC.latent_dim)), random_weights(SPEC, 1))


@pytest.fixture(scope="module")
def truth(problem: Problem) -> Truth:
    return truth_of(problem, "float64")


def cell(notation: str, dtype: str = "float64", backend: str = "torch") -> Cell:
    return Cell("small", notation, "torch", backend, "cpu", dtype, "eager")


def moved(tensors: Mapping[str, np.ndarray], name: str, index: tuple[int, ...], by: float) -> dict[str, np.ndarray]:
    """Copies of tensors, with one element of one of them changed."""
    changed = {key: np.array(tensor) for key, tensor in tensors.items()}
    changed[name][index] += by
    return changed


def verdicts(problem: Problem, cells: Mapping[Cell, Any], exclusions: list[Exclusion] | None = None) -> list[Row]:
    """`judge` on cells with these tensors."""
    files = {f"{c.key}.safetensors": tensors for c, tensors in cells.items()}
    records = [EqualityRecord(cell=c, status="ok", adapted=False, tensors=f"{c.key}.safetensors") for c in cells]
    return judge(problem, records, files.__getitem__, exclusions or [])


# The truth


def test_the_order_is_that_of_data_flow(problem: Problem, truth: Truth) -> None:
    names = flow(problem)
    assert names[:2] == ["posterior_mean", "posterior_log_variance"]
    assert names.index("posterior_sd") < names.index("latent") < names.index("decoder_logits")
    assert [name for name in names if name in truth.tensors] == list(truth.tensors)
    assert names[-1] == "gradient/decoder.logits.bias"
    assert names.index("elbo") < names.index("objective") < names.index("gradient/encoder.hidden.0.weight")


def test_exact_values_are_the_truth_in_float64_alone(problem: Problem) -> None:
    exact = replace(
        problem,
        expected_terms={"kl": ["0.125"] * BATCH},
        expected_gradients={"elbo": {"encoder.mean.bias": np.full(SPEC.latent_dim, 0.25)}},
    )
    truth = truth_of(exact, "float64")
    assert truth.tensors["kl"].tolist() == [0.125] * BATCH
    assert truth.tensors["gradient/encoder.mean.bias"].tolist() == [0.25] * SPEC.latent_dim
    below = truth_of(exact, "float32")
    assert np.array_equal(below.tensors["kl"], evaluate(rounded(problem, "float32"))["kl"])
    assert below.tolerances == tolerances(rounded(problem, "float32"), "float32")
    assert not any(name.startswith("gradient") for name in truth_of(exact, "float64", gradients=False).tensors)


def test_the_truth_is_equal_to_itself(problem: Problem, truth: Truth) -> None:
    comparisons = against_truth(problem, truth.tensors, truth)
    assert [c.tensor for c in comparisons] == [name for name in flow(problem) if name in truth.tensors]
    assert all(c.equal and c.error == 0 and c.ulps == 0 for c in comparisons)
    assert first_divergence(comparisons) is None


def test_only_what_a_cell_returned_is_compared(problem: Problem, truth: Truth) -> None:
    some = {name: truth.tensors[name] for name in ("kl", "latent")}
    assert [c.tensor for c in against_truth(problem, some, truth)] == ["latent", "kl"]


def test_the_first_divergence_is_the_first_in_data_flow_and_not_the_largest(problem: Problem, truth: Truth) -> None:
    wrong = moved(truth.tensors, "elbo", (0,), 1e6)
    wrong = moved(wrong, "gradient/encoder.mean.bias", (1,), np.nan)
    wrong = moved(wrong, "decoder_logits", (1, 2, 3), 2 * truth.tolerances["decoder_logits"])
    backwards = dict(reversed(wrong.items()))
    for tensors in (wrong, backwards):
        first = first_divergence(against_truth(problem, tensors, truth))
        assert first is not None
        assert (first.tensor, first.index) == ("decoder_logits", (1, 2, 3))


def test_every_tensor_is_watched(problem: Problem, truth: Truth) -> None:
    for name in truth.tensors:
        wrong = moved(truth.tensors, name, (0,) * truth.tensors[name].ndim, 3 * truth.tolerances[name])
        comparisons = against_truth(problem, wrong, truth)
        assert [c.tensor for c in comparisons if not c.equal] == [name]


# Pairs


def pairs(problem: Problem, truth: Truth, **cells: Mapping[str, np.ndarray]) -> list[tuple[str, str, Comparison]]:
    return list(against_each_other(problem, cells, truth))


def test_a_pair_may_differ_by_the_sum_of_both_tolerances(problem: Problem, truth: Truth) -> None:
    allowed = truth.tolerances["log_likelihood"]
    low = moved(truth.tensors, "log_likelihood", (1,), -0.9 * allowed)
    high = moved(truth.tensors, "log_likelihood", (1,), 0.9 * allowed)
    assert not pairs(problem, truth, low=low, high=high)


def test_a_pair_beyond_the_sum_is_named_once_at_its_first_tensor(problem: Problem, truth: Truth) -> None:
    low = moved(truth.tensors, "log_likelihood", (1,), -1.1 * truth.tolerances["log_likelihood"])
    high = moved(truth.tensors, "log_likelihood", (1,), 1.1 * truth.tolerances["log_likelihood"])
    high = moved(high, "elbo", (1,), 1.0)
    ((one, other, comparison),) = pairs(problem, truth, low=low, high=high)
    assert (one, other, comparison.tensor, comparison.index) == ("low", "high", "log_likelihood", (1,))
    assert comparison.tolerance == 2 * truth.tolerances["log_likelihood"]


def test_all_pairs_are_compared(problem: Problem, truth: Truth) -> None:
    wrong = moved(truth.tensors, "kl", (0,), 1.0)
    found = pairs(problem, truth, a=truth.tensors, b=wrong, c=truth.tensors)
    assert [(one, other) for one, other, _ in found] == [("a", "b"), ("b", "c")]


def test_a_shared_nan_is_no_agreement(problem: Problem, truth: Truth) -> None:
    same = moved(truth.tensors, "iwae", (2,), np.nan)
    ((_, _, comparison),) = pairs(problem, truth, a=same, b=same)
    assert comparison.tensor == "iwae"


# Verdicts


def test_equal_cells_have_a_row_for_each_tensor(problem: Problem, truth: Truth) -> None:
    rows = verdicts(problem, {cell("a"): truth.tensors, cell("b"): truth.tensors})
    assert [row["term"] for row in rows] == 2 * list(truth.tensors)
    assert {row["verdict"] for row in rows} == {"equal"}
    assert all(tuple(row) == COLUMNS for row in rows)
    assert proven(rows) == {cell("a"), cell("b")}


def test_a_difference_is_named_in_every_row_of_its_cell_and_in_no_other(problem: Problem, truth: Truth) -> None:
    wrong = moved(moved(truth.tensors, "kl", (2,), 0.5), "elbo", (2,), -0.5)
    rows = verdicts(problem, {cell("right"): truth.tensors, cell("wrong"): wrong})
    right, accused = by_cell(rows)[cell("right")], by_cell(rows)[cell("wrong")]
    assert (cell_verdict(right), cell_verdict(accused)) == ("equal", "differs")
    assert [row["term"] for row in accused if row["verdict"] == "differs"] == ["kl", "elbo"]
    assert all(row["first_divergence"].startswith("kl[2]: ") for row in accused)
    assert not any(row["first_divergence"] for row in right)
    (kl,) = (row for row in accused if row["term"] == "kl")
    assert kl["worst_index"] == [2]
    assert kl["worst_error"] == pytest.approx(0.5)
    assert kl["tolerance"] == truth.tolerances["kl"]
    assert proven(rows) == {cell("right")}


def test_two_cells_within_tolerance_of_the_truth_but_not_of_each_other_do_not_exist(
    problem: Problem, truth: Truth
) -> None:
    low = moved(truth.tensors, "kl", (0,), -truth.tolerances["kl"] / 2)
    high = moved(truth.tensors, "kl", (0,), truth.tolerances["kl"] / 2)
    assert {row["verdict"] for row in verdicts(problem, {cell("low"): low, cell("high"): high})} == {"equal"}


def test_pairs_are_judged_within_a_dtype(problem: Problem, truth: Truth) -> None:
    coarse = truth_of(problem, "float32").tensors
    rows = verdicts(problem, {cell("a"): truth.tensors, cell("a", "float32"): coarse})
    assert {row["verdict"] for row in rows} == {"equal"}


@pytest.mark.parametrize("status", ["unsupported", "missing", "failed", "timeout"])
def test_a_cell_without_an_outcome_says_why(problem: Problem, status: str) -> None:
    record = EqualityRecord(cell=cell("a"), status=status, reason="because", adapted=True)
    (row,) = judge(problem, [record], lambda name: {}, [])
    assert (row["verdict"], row["reason"], row["adapted"]) == (status, "because", True)
    assert proven([row]) == set()


# Exclusions

KNOWN = Exclusion({"backend": "keras-*", "dtype": "float64"}, "a known reason", "https://upstream", True)


def test_an_excluded_difference_keeps_its_reason_and_link(problem: Problem, truth: Truth) -> None:
    known = cell("a", backend="keras-jax")
    wrong = moved(truth.tensors, "kl", (0,), 1.0)
    rows = verdicts(problem, {known: wrong}, [KNOWN])
    assert cell_verdict(rows) == "excluded"
    (row,) = (row for row in rows if row["verdict"] == "excluded")
    assert (row["term"], row["reason"]) == ("kl", "a known reason (https://upstream)")
    assert row["first_divergence"].startswith("kl[0]: ")
    assert proven(rows) == set()


def test_an_exclusion_covers_no_other_cell(problem: Problem, truth: Truth) -> None:
    wrong = moved(truth.tensors, "kl", (0,), 1.0)
    for other in (cell("a"), cell("a", "float32", "keras-jax")):
        assert cell_verdict(verdicts(problem, {other: wrong}, [KNOWN])) == "differs"


def test_a_strict_exclusion_that_is_equal_after_all_fails(problem: Problem, truth: Truth) -> None:
    rows = verdicts(problem, {cell("a", backend="keras-jax"): truth.tensors}, [KNOWN])
    assert cell_verdict(rows) == "unexpected-pass"
    assert "remove the entry" in rows[-1]["reason"]
    assert proven(rows) == set()


def test_an_exclusion_that_is_not_strict_may_be_equal(problem: Problem, truth: Truth) -> None:
    lenient = msgspec.structs.replace(KNOWN, strict=False)
    rows = verdicts(problem, {cell("a", backend="keras-jax"): truth.tensors}, [lenient])
    assert cell_verdict(rows) == "equal"


def test_an_excluded_cell_accuses_no_other_in_a_pair(problem: Problem, truth: Truth) -> None:
    wrong = moved(truth.tensors, "kl", (0,), 1.0)
    rows = verdicts(problem, {cell("a", backend="keras-jax"): wrong, cell("b"): truth.tensors}, [KNOWN])
    assert cell_verdict(by_cell(rows)[cell("b")]) == "equal"


def test_the_first_entry_that_matches_decides() -> None:
    second = msgspec.structs.replace(KNOWN, reason="another")
    assert exclusion_of(cell("a", backend="keras-jax"), [KNOWN, second]) is KNOWN
    assert exclusion_of(cell("a"), [KNOWN, second]) is None


def test_the_exclusions_that_ship_are_strict_and_linked() -> None:
    """But for JAX, where whether float64 is demoted depends on the operations: there are equal cells among them."""
    for exclusion in load_exclusions():
        assert exclusion.strict or exclusion.cell["backend"] == "keras-jax"
        assert exclusion.reason
        assert exclusion.link.startswith("https://")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[exclusion", "expected TOML"),
        (
            '[[exclusion]]\ncell = {}\nreason = "r"\nlink = "l"',
            r"missing required field `strict` - at `\$.exclusion\[0\]",
        ),
        (
            '[[exclusion]]\ncell = { notatoin = "a" }\nreason = "r"\nlink = "l"\nstrict = true',
            r"cell: expected fields out of problem, .*; found 'notatoin' - at `\$.exclusion\[0\]",
        ),
    ],
)
def test_a_wrong_exclusions_file_is_bad_input(text: str, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "exclusions.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=complaint):
        load_exclusions(file)
