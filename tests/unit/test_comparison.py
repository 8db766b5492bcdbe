"""Two tensors against each other: what is equal, and what the message says where they are not."""

import math

import numpy as np
import pytest

from elbostone.reference.comparison import compare


def test_the_tolerance_itself_is_equal_and_the_next_number_is_not() -> None:
    zeros = np.zeros(2)
    assert compare("kl", np.array([0, 0.25]), zeros, 0.25, "float64").equal
    assert not compare("kl", np.array([0, np.nextafter(0.25, 1)]), zeros, 0.25, "float64").equal


def test_no_tolerance_admits_only_the_same_values() -> None:
    assert compare("kl", np.zeros(2), np.zeros(2), 0.0, "float64").equal
    assert not compare("kl", np.array([0.0, 5e-324]), np.zeros(2), 0.0, "float64").equal


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("side", ["found", "expected", "both"])
def test_nothing_that_is_not_finite_is_ever_equal(odd: float, side: str) -> None:
    found, expected = np.ones((2, 3)), np.ones((2, 3))
    if side != "expected":
        found[1, 2] = odd
    if side != "found":
        expected[1, 2] = odd
    comparison = compare("latent", found, expected, 1e300, "float64")
    assert not comparison.equal
    assert comparison.index == (1, 2)
    assert math.isnan(comparison.error)
    assert math.isnan(comparison.ulps)


def test_what_is_not_finite_is_worse_than_any_error() -> None:
    comparison = compare("kl", np.array([1e300, np.nan, 0.0]), np.zeros(3), 1.0, "float64")
    assert comparison.index == (1,)


@pytest.mark.parametrize("tolerance", [np.nan, np.inf])
def test_a_tolerance_that_is_no_number_admits_nothing(tolerance: float) -> None:
    for found in (1.0, np.nan, np.inf):
        assert not compare("kl", np.full(2, found), np.ones(2), tolerance, "float64").equal


def test_infinities_of_both_sides_do_not_cancel_in_a_message() -> None:
    comparison = compare("kl", np.array([np.inf]), np.array([np.inf]), 1.0, "float64")
    assert comparison.describe().startswith("kl[0]: inf, expected inf (nan = nan ulp; allowed 1")


def test_an_overflowing_difference_is_a_difference() -> None:
    comparison = compare("kl", np.array([1.7e308]), np.array([-1.7e308]), 1e308, "float64")
    assert not comparison.equal
    assert (comparison.found, comparison.expected) == (1.7e308, -1.7e308)


@pytest.mark.parametrize("shape", [(2,), (4, 1), (1, 4), (2, 2), ()])
def test_another_shape_is_a_difference_though_it_would_broadcast(shape: tuple[int, ...]) -> None:
    comparison = compare("elbo", np.ones(shape), np.ones(4), 1e300, "float64")
    assert not comparison.equal
    assert comparison.shapes == (shape, (4,))
    assert comparison.describe() == f"elbo: shape {list(shape)}, expected [4]"


def test_ulps_are_of_the_dtype_that_was_computed_in() -> None:
    found, expected = np.array([1 + 2.0**-22]), np.array([1.0])
    assert compare("kl", found, expected, 1.0, "float32").ulps == 2
    assert compare("kl", found, expected, 1.0, "float64").ulps == 2.0**30
    assert compare("kl", -found, -expected, 1.0, "float32").ulps == 2


def test_a_truth_beyond_the_reach_of_the_dtype_is_a_difference() -> None:
    comparison = compare("kl", np.array([np.inf]), np.array([1e300]), 1.0, "float32")
    assert comparison.describe().startswith("kl[0]: inf, expected 1.0000000000000001e+300")
    assert not compare("kl", np.array([1e30]), np.array([1e300]), 1.0, "float32").equal


def test_a_message_names_tensor_index_values_ulps_and_tolerance() -> None:
    found, expected = np.zeros((2, 3)), np.zeros((2, 3))
    expected[1, 2], found[1, 2], found[0, 0] = 1.0, 1 + 2.0**-50, 2.0**-52
    assert compare("latent", found, expected, 1e-16, "float64").describe() == (
        "latent[1, 2]: 1.0000000000000009, expected 1 (8.88e-16 = 4 ulp; allowed 1e-16)"
    )


def test_a_message_about_a_scalar_has_no_index() -> None:
    message = compare("objective", np.array(2.0), np.array(1.0), 0.5, "float32").describe()
    assert message == "objective: 2, expected 1 (1 = 8.39e+06 ulp; allowed 0.5)"
