"""A wrong tensor is named where it is something simple of the right one, and only there."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elbostone.reference.comparison import compare
from elbostone.reference.mistakes import HALF_LOG_2PI, relation

LOG_VARIANCE = np.random.default_rng(0).normal(size=(5, 5))
VARIANCE = np.exp(LOG_VARIANCE)
NAMED = {
    "sign": (-LOG_VARIANCE, LOG_VARIANCE, "all of it has the other sign"),
    "half": (LOG_VARIANCE / 2, LOG_VARIANCE, "all of it is 0.5 times that"),
    "mean for a sum over 20": (VARIANCE / 20, VARIANCE, "all of it is 0.05 times that"),
    "log 2π of 64 pixels": (VARIANCE + 64 * HALF_LOG_2PI, VARIANCE, "all of it is 58.81 (64 × ½ log 2π) too high"),
    "a constant": (LOG_VARIANCE - 0.5, LOG_VARIANCE, "all of it is 0.5 too low"),
    "σ for σ²": (np.sqrt(VARIANCE), VARIANCE, "all of it is its square root"),
    "σ² for σ": (VARIANCE**2, VARIANCE, "all of it is its square"),
    "precision": (1 / VARIANCE, VARIANCE, "all of it is its reciprocal"),
    "variance for its logarithm": (VARIANCE, LOG_VARIANCE, "all of it is its exponential"),
    "σ for log σ²": (np.exp(LOG_VARIANCE / 2), LOG_VARIANCE, "all of it is the exponential of its half"),
    "transposed": (LOG_VARIANCE.T, LOG_VARIANCE, "all of it is its transpose"),
}


@pytest.mark.parametrize("case", NAMED)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_simple_mistake_is_named(case: str, dtype: str) -> None:
    found, expected, words = NAMED[case]
    comparison = compare("kl", found.astype(dtype).astype(float), expected, 1e-9, "float64")
    assert comparison.describe().endswith(f"; {words}")


@given(st.integers(0, 10_000), st.floats(0.01, 10))
def test_what_is_no_simple_mistake_has_no_name(seed: int, size: float) -> None:
    generator = np.random.default_rng(seed)
    expected = generator.normal(size=(4, 4))
    assert relation(expected + size * generator.normal(size=(4, 4)), expected) == ""


def test_one_wrong_element_is_no_relation_of_all() -> None:
    found = LOG_VARIANCE.copy()
    found[1, 2] *= -1
    assert relation(found, LOG_VARIANCE) == ""


def test_elements_that_are_alike_or_not_finite_say_nothing() -> None:
    assert relation(np.full(3, -2.0), np.full(3, 2.0)) == ""
    assert relation(np.array([-2.0]), np.array([2.0])) == ""
    assert relation(np.array([math.nan, 1]), np.array([2.0, 1])) == ""


@pytest.mark.parametrize("size", [1e-200, 1e200, 1e308])
def test_numbers_that_cannot_be_squared_are_no_warning(size: float) -> None:
    relation(-size * np.array([1.0, 0.5]), size * np.array([1.0, 0.5]))
    relation(size * np.array([1.0, 0.25]), size * np.array([-1.0, 0.5]))


def test_an_equal_tensor_has_no_mistake() -> None:
    assert compare("kl", LOG_VARIANCE, LOG_VARIANCE, 1e-12, "float64").relation == ""
