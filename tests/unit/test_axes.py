"""Layouts by axis name."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elbostone.notations.axes import parse_axes, permute


def test_composite_axis_is_split_and_merged_in_the_named_order() -> None:
    image = np.arange(2 * 3 * 4.0).reshape(2, 3, 4)  # channel, height, width
    flat = image.reshape(1, -1)
    moved = permute(
        flat,
        parse_axes("out (channel height width)"),
        parse_axes("(height width channel) out"),
        {"channel": 2, "height": 3, "width": 4},
    )
    assert moved.shape == (24, 1)
    np.testing.assert_array_equal(moved[:, 0], image.transpose(1, 2, 0).ravel())


def test_flip_reverses_the_named_axes_only() -> None:
    kernel = np.arange(9.0).reshape(3, 3)
    axes = parse_axes("height width")
    np.testing.assert_array_equal(permute(kernel, axes, axes, {}, ("width",)), kernel[:, ::-1])


@given(st.permutations(["in", "out", "height", "width"]), st.sets(st.sampled_from(["in", "out", "height", "width"])))
def test_there_and_back_is_exact(order: list[str], flip: set[str]) -> None:
    array = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    source, target = parse_axes("out in height width"), parse_axes(" ".join(order))
    there = permute(array, source, target, {}, tuple(flip))
    np.testing.assert_array_equal(permute(there, target, source, {}, tuple(flip)), array)


@pytest.mark.parametrize("text", ["", "out out", "(height width", "out, in", "2d"])
def test_what_is_no_list_of_axes_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a list of axes"):
        parse_axes(text)
